// SPDX-License-Identifier: Apache-2.0
// One HTTP(S) GET from start to end, for commands that have nothing else to do meanwhile.
#pragma once

#include "net/http_client.h"

namespace bixws::net {

/// Waits for the answer or the failure; never throws for what the other side does. Throws std::runtime_error if the URL
/// is neither http nor https. Not on a loop's thread.
[[nodiscard]] HttpReply fetch(const Url& url, const HttpClientOptions& options = {}, const Headers& headers = {});

}  // namespace bixws::net

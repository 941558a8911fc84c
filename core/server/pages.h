// SPDX-License-Identifier: Apache-2.0
// Pages: what a GET on the server's port is answered with.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"
#include "server/assets.h"
#include "server/metrics.h"

namespace bixws::server {

class Server;

/// `path` is below the base path. 404 for what there is not, 405 for methods other than GET and HEAD.
[[nodiscard]] net::HttpResponse page_for(const Server& server, const Assets& assets, const net::HttpRequest& request,
                                         std::string_view path, std::string_view version);
/// A file of the dashboard, nothing if `path` is none.
[[nodiscard]] std::optional<net::HttpResponse> dashboard_page(const Assets& assets, const net::HttpRequest& request,
                                                              std::string_view path);
/// Memory, descriptors and processor time of this process.
void write_process_metrics(MetricsText& out);

}  // namespace bixws::server

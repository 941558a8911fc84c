// SPDX-License-Identifier: Apache-2.0
// fetch: a loop for one call.
#include "net/fetch.h"

namespace bixws::net {

HttpReply fetch(const Url& url, const HttpClientOptions& options, const Headers& headers) {
  Loop loop;
  HttpClient client(loop, options);
  HttpReply reply;
  HttpCall call;
  call.url = url;
  call.headers = headers;
  client.start(std::move(call), [&](const HttpReply& answer) {
    reply = answer;
    loop.stop();
  });
  loop.run();
  return reply;
}

}  // namespace bixws::net

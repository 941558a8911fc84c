// SPDX-License-Identifier: Apache-2.0
// Any bytes as an HTTP head, a URL, a chunked body or a deflate offer: read or refused, never a crash.
#include <cstdlib>

#include "net/deflate.h"
#include "net/http.h"
#include "net/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bixws::net;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::size_t searched = 0;
  if (const auto end = head_end(bytes, searched); end && *end > size) std::abort();

  HttpRefusal refusal;
  refusal.status = 0;
  if (const auto request = parse_request(bytes, refusal)) {
    if (request->path.empty() || request->path[0] != '/') std::abort();
    // Written again from its parts it is the same request: nothing was read over or read differently.
    std::string again = request->method + " " + request->target + " HTTP/1." + std::to_string(request->minor) + "\r\n";
    for (const auto& [name, value] : request->headers) again.append(name).append(": ").append(value).append("\r\n");
    const auto second = parse_request(again + "\r\n", refusal);
    if (!second || second->path != request->path || second->query != request->query) std::abort();
    if (second->headers.size() != request->headers.size()) std::abort();
    (void)request->keeps_alive();
    (void)answer_deflate_offer(request->headers.joined("sec-websocket-extensions"));
  } else if (refusal.status < 400 || refusal.status > 599) {
    std::abort();
  }
  if (const auto response = parse_response(bytes)) {
    (void)retry_after(response->headers, std::chrono::system_clock::time_point());
  }
  (void)answer_deflate_offer(bytes);
  (void)read_deflate_answer(bytes);

  // Chunked bodies mean the same in one piece and byte by byte.
  ChunkReader whole;
  ChunkReader cut;
  std::string body;
  std::string pieces;
  const auto outcome = whole.feed(bytes, body, 4096);
  auto last = ChunkReader::Outcome::more;
  for (std::size_t i = 0; i < size && last == ChunkReader::Outcome::more; ++i)
    last = cut.feed(bytes.substr(i, 1), pieces, 4096);
  if (size > 0 && outcome != last) std::abort();
  if (outcome != ChunkReader::Outcome::broken && body != pieces) std::abort();
  if (body.size() > 4096) std::abort();
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 heads as values: requests and responses read from bytes, responses and requests written to bytes.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/url.h"

namespace bixws::net {

/// Header fields in their order; names compare without case.
class Headers {
 public:
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  /// First value of a name, or nullptr.
  const std::string* find(std::string_view name) const noexcept;
  /// All values of a name as one list, as RFC 9110 section 5.3 allows.
  std::string joined(std::string_view name) const;
  bool has(std::string_view name) const noexcept { return find(name) != nullptr; }
  /// Is `token` in the comma-separated list of that name?
  bool lists(std::string_view name, std::string_view token) const;
  std::size_t count(std::string_view name) const noexcept;
  auto begin() const noexcept { return fields_.begin(); }
  auto end() const noexcept { return fields_.end(); }
  std::size_t size() const noexcept { return fields_.size(); }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct HttpRequest {
  std::string method;
  std::string target;  // as sent
  std::string path;    // decoded, begins with '/'
  Query query;         // decoded
  int minor = 1;       // HTTP/1.minor
  Headers headers;

  /// May the connection serve another request after this one?
  bool keeps_alive() const;
  bool has_body() const;
};

/// A head that could not be read: what to answer.
struct HttpRefusal {
  int status = 400;
  std::string text;
};

/// Reads a complete head (up to and with its empty line). Throws nothing; the refusal says what is wrong.
std::optional<HttpRequest> parse_request(std::string_view head, HttpRefusal& refusal);

struct HttpResponseHead {
  int status = 0;
  std::string reason;
  int minor = 1;
  Headers headers;
};
/// Reads a server's complete head; nothing when it is not HTTP.
std::optional<HttpResponseHead> parse_response(std::string_view head);

/// Position just after the empty line that ends a head, if it has come. `searched` keeps the place between calls.
std::optional<std::size_t> head_end(std::string_view bytes, std::size_t& searched) noexcept;

struct HttpResponse {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";  // Content-Type; empty: none
  std::string body;
  Headers headers;  // besides Content-Type, Content-Length, Connection, Date
};

/// The standard's words for a status.
std::string_view reason_phrase(int status) noexcept;

/// Status line and headers, with the empty line. `length`: Content-Length; nothing: chunked transfer (or, before
/// HTTP/1.1, up to the end of the connection).
void append_response_head(std::string& out, const HttpResponse& response, std::optional<std::size_t> length,
                          bool keep_alive, int minor = 1);
/// One chunk of a chunked body; an empty one ends the body.
void append_chunk(std::string& out, std::string_view bytes);

/// "Sun, 06 Nov 1994 08:49:37 GMT" now, made at most once a second per thread.
std::string_view http_date();

/// Undoes chunked transfer as it arrives (trailers are read over).
class ChunkReader {
 public:
  enum class Outcome : std::uint8_t { more, done, broken };
  /// Appends what it decodes to `body`, of which at most `cap` bytes may come in all: more is `broken`.
  Outcome feed(std::string_view bytes, std::string& body, std::size_t cap);

 private:
  enum class Step : std::uint8_t { size, extension, size_end, data, data_return, data_end, trailer, trailer_line, end };
  Step step_ = Step::size;
  int digits_ = 0;
  std::uint64_t remaining_ = 0;
  std::size_t trailer_bytes_ = 0;
};

/// Retry-After in seconds; a date is read relative to `now`.
std::optional<std::chrono::seconds> retry_after(const Headers& headers, std::chrono::system_clock::time_point now);

}  // namespace bixws::net

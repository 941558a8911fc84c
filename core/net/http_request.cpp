// SPDX-License-Identifier: Apache-2.0
// Reading a request's head. Every client that connects comes through here, welcome or not, so it is one pass over the
// bytes, and as strict as RFC 9112 allows: what proxies and servers read differently is what request smuggling is made
// of (section 11.2).
#include <algorithm>
#include <array>
#include <limits>

#include "net/http.h"
#include "net/text.h"

namespace bixws::net {
namespace {

constexpr std::size_t max_fields = 64;

constexpr std::string_view not_lines = "the request head is not made of lines \"name: value\"";

// RFC 9110 section 5.6.2.
constexpr std::array<bool, 256> token_table = [] {
  std::array<bool, 256> table{};
  for (unsigned char c = '0'; c <= '9'; ++c) table[c] = true;
  for (unsigned char c = 'a'; c <= 'z'; ++c) table[c] = table[c - 'a' + 'A'] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

bool token(std::string_view text) noexcept {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return token_table[static_cast<unsigned char>(c)]; });
}

bool control(char c) noexcept { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }

// The next line without its CRLF; nothing if there is none or if it holds a control character.
std::optional<std::string_view> take_line(std::string_view& head) noexcept {
  const std::size_t end = head.find('\r');
  if (end == std::string_view::npos || end + 1 >= head.size() || head[end + 1] != '\n') return std::nullopt;
  const std::string_view line = head.substr(0, end);
  if (std::any_of(line.begin(), line.end(), control)) return std::nullopt;
  head.remove_prefix(end + 2);
  return line;
}

struct RequestLine {
  std::string_view method, target, version;
};

// RFC 9112 section 3: two spaces, and none anywhere else.
std::optional<RequestLine> split_request_line(std::string_view line) noexcept {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return std::nullopt;
  const RequestLine parts{line.substr(0, first), line.substr(first + 1, last - first - 1), line.substr(last + 1)};
  if (parts.target.empty() || parts.target.find_first_of(" \t") != std::string_view::npos) return std::nullopt;
  return parts;
}

bool whole_number(std::string_view text) noexcept {
  return !text.empty() && text.size() <= std::numeric_limits<std::uint64_t>::digits10 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// What is wrong with the fields as a whole; empty: nothing.
std::string_view complaint(const HttpRequest& request) {
  const Headers& headers = request.headers;
  const std::size_t hosts = headers.count("Host");
  if (hosts > 1 || (hosts == 0 && request.minor == 1)) return "exactly one Host header is needed";
  const std::size_t lengths = headers.count("Content-Length");
  if (lengths > 1) return "more than one Content-Length";
  if (lengths == 1 && !whole_number(*headers.find("Content-Length"))) return "Content-Length has to be a number";
  if (lengths == 1 && headers.has("Transfer-Encoding")) return "both Content-Length and Transfer-Encoding";
  return {};
}

// RFC 9112 section 3.2: the origin form, or the absolute form that proxies are asked in.
std::string_view origin_form(std::string_view target) noexcept {
  if (target.starts_with("http://") || target.starts_with("https://")) {
    const std::size_t path = target.find_first_of("/?", target.find("//") + 2);
    target = path == std::string_view::npos ? std::string_view("/") : target.substr(path);
  }
  return target.substr(0, target.find('#'));
}

}  // namespace

std::optional<HttpRequest> parse_request(std::string_view head, HttpRefusal& refusal) {
  const auto refuse = [&](int status, std::string_view text) {
    refusal = {status, std::string(text)};
    return std::nullopt;
  };
  const auto first = take_line(head);
  if (!first || first->empty()) return refuse(400, not_lines);
  const auto line = split_request_line(*first);
  if (!line) return refuse(400, "the request line is not \"METHOD target HTTP/1.1\"");
  if (!token(line->method)) return refuse(400, "the request method is not a word");
  if (line->version != "HTTP/1.1" && line->version != "HTTP/1.0") {
    if (!line->version.starts_with("HTTP/")) return refuse(400, "this is not an HTTP request");
    return refuse(505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
  }
  HttpRequest request;
  request.method = line->method;
  request.target = line->target;
  request.minor = line->version.back() - '0';
  for (;;) {
    const auto field = take_line(head);
    if (!field) return refuse(400, not_lines);
    if (field->empty()) break;
    const std::size_t colon = field->find(':');
    // A line that begins with a space would continue the one before it (obsolete folding): it has no name either.
    if (colon == std::string_view::npos || !token(field->substr(0, colon))) return refuse(400, not_lines);
    if (request.headers.size() == max_fields) return refuse(431, "more than 64 header fields");
    request.headers.add(std::string(field->substr(0, colon)), std::string(trim(field->substr(colon + 1))));
  }
  if (!head.empty()) return refuse(400, not_lines);
  if (const std::string_view wrong = complaint(request); !wrong.empty()) return refuse(400, wrong);

  const std::string_view target = origin_form(request.target);
  if (!target.starts_with('/')) return refuse(400, "the request target has to begin with /");
  const std::size_t mark = target.find('?');
  auto path = percent_decode(target.substr(0, mark));
  auto query = parse_query(mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1));
  if (!path || !query) return refuse(400, "broken percent escape in the request target");
  request.path = std::move(*path);
  request.query = std::move(*query);
  return request;
}

}  // namespace bixws::net

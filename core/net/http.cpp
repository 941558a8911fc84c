// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 as values: headers, response heads read and written, chunked bodies. Request heads are read in
// http_request.cpp.
#include "net/http.h"

#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeFormatter.h>
#include <Poco/Exception.h>
#include <Poco/MemoryStream.h>
#include <Poco/Net/MessageHeader.h>

#include <algorithm>
#include <charconv>
#include <ctime>

#include "net/text.h"

namespace bixws::net {
namespace {

void copy_headers(const Poco::Net::NameValueCollection& from, Headers& to) {
  for (const auto& [name, value] : from) to.add(name, std::string(trim(value)));
}

constexpr int max_answer_fields = 256;

}  // namespace

const std::string* Headers::find(std::string_view name) const noexcept {
  for (const auto& [key, value] : fields_) {
    if (same_ignoring_case(key, name)) return &value;
  }
  return nullptr;
}

std::string Headers::joined(std::string_view name) const {
  std::string all;
  for (const auto& [key, value] : fields_) {
    if (!same_ignoring_case(key, name)) continue;
    if (!all.empty()) all += ", ";
    all += value;
  }
  return all;
}

bool Headers::lists(std::string_view name, std::string_view token) const {
  return std::any_of(fields_.begin(), fields_.end(), [&](const auto& field) {
    return same_ignoring_case(field.first, name) && list_has(field.second, token);
  });
}

std::size_t Headers::count(std::string_view name) const noexcept {
  return static_cast<std::size_t>(std::count_if(
      fields_.begin(), fields_.end(), [&](const auto& field) { return same_ignoring_case(field.first, name); }));
}

bool HttpRequest::keeps_alive() const {
  if (headers.lists("Connection", "close")) return false;
  return minor >= 1 || headers.lists("Connection", "keep-alive");
}

bool HttpRequest::has_body() const {
  const std::string* length = headers.find("Content-Length");
  return headers.has("Transfer-Encoding") || (length != nullptr && *length != "0");
}

std::optional<HttpResponseHead> parse_response(std::string_view head) {
  // The status line by hand: POCO keeps the status as an enumeration, which servers' own codes are not among.
  const std::size_t line_end = head.find("\r\n");
  if (line_end == std::string_view::npos) return std::nullopt;
  const std::string_view line = head.substr(0, line_end);
  HttpResponseHead response;
  if (line.size() < 12 || !(line.starts_with("HTTP/1.1 ") || line.starts_with("HTTP/1.0 "))) return std::nullopt;
  if (line.size() > 12 && line[12] != ' ') return std::nullopt;
  response.minor = line[7] - '0';
  const auto [end, status] = std::from_chars(line.data() + 9, line.data() + 12, response.status);
  if (status != std::errc() || end != line.data() + 12 || response.status < 100) return std::nullopt;
  response.reason = line.size() > 13 ? line.substr(13) : std::string_view();
  try {
    Poco::MemoryInputStream stream(head.data() + line_end + 2,
                                   static_cast<std::streamsize>(head.size() - line_end - 2));
    Poco::Net::MessageHeader read;
    read.setFieldLimit(max_answer_fields);
    read.read(stream);
    copy_headers(read, response.headers);
    return response;
  } catch (const Poco::Exception&) {
    return std::nullopt;
  }
}

std::optional<std::size_t> head_end(std::string_view bytes, std::size_t& searched) noexcept {
  const std::size_t found = bytes.find("\r\n\r\n", searched);
  if (found != std::string_view::npos) return found + 4;
  searched = bytes.size() < 3 ? 0 : bytes.size() - 3;
  return std::nullopt;
}

std::string_view reason_phrase(int status) noexcept {
  switch (status) {
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return status < 400 ? "OK" : "Error";
  }
}

void append_response_head(std::string& out, const HttpResponse& response, std::optional<std::size_t> length,
                          bool keep_alive, int minor) {
  out.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ").append(reason_phrase(response.status));
  out.append("\r\nDate: ").append(http_date()).append("\r\n");
  if (!response.type.empty()) out.append("Content-Type: ").append(response.type).append("\r\n");
  if (length) {
    out.append("Content-Length: ").append(std::to_string(*length)).append("\r\n");
  } else if (minor >= 1) {
    out.append("Transfer-Encoding: chunked\r\n");
  }
  for (const auto& [name, value] : response.headers) out.append(name).append(": ").append(value).append("\r\n");
  if (!keep_alive) {
    out.append("Connection: close\r\n");
  } else if (minor == 0) {
    out.append("Connection: keep-alive\r\n");
  }
  out.append("\r\n");
}

void append_chunk(std::string& out, std::string_view bytes) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, bytes.size(), 16).ptr;
  out.append(digits, end).append("\r\n").append(bytes).append("\r\n");
}

std::string_view http_date() {
  thread_local std::time_t made_at = 0;
  thread_local std::string text;
  const std::time_t now = std::time(nullptr);
  if (now != made_at || text.empty()) {
    made_at = now;
    text = Poco::DateTimeFormatter::format(Poco::Timestamp::fromEpochTime(now), Poco::DateTimeFormat::HTTP_FORMAT);
  }
  return text;
}

ChunkReader::Outcome ChunkReader::feed(std::string_view bytes, std::string& body, std::size_t cap) {
  for (std::size_t i = 0; i < bytes.size() && step_ != Step::end;) {
    const char c = bytes[i];
    switch (step_) {
      case Step::size: {
        const char low = lower(c);
        const int digit = c >= '0' && c <= '9' ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
        if (digit >= 0) {
          if (++digits_ > 15) return Outcome::broken;
          remaining_ = remaining_ * 16 + static_cast<std::uint64_t>(digit);
        } else if (digits_ > 0 && c == '\r') {
          step_ = Step::size_end;
        } else if (digits_ > 0 && (c == ';' || c == ' ' || c == '\t')) {
          step_ = Step::extension;
        } else {
          return Outcome::broken;
        }
        ++i;
        break;
      }
      case Step::extension:
        if (++trailer_bytes_ > 8192) return Outcome::broken;
        if (c == '\r') step_ = Step::size_end;
        ++i;
        break;
      case Step::size_end:
        if (c != '\n') return Outcome::broken;
        if (remaining_ > cap || body.size() > cap - remaining_) return Outcome::broken;
        step_ = remaining_ == 0 ? Step::trailer : Step::data;
        digits_ = 0;
        ++i;
        break;
      case Step::data: {
        const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size() - i));
        body.append(bytes.substr(i, take));
        remaining_ -= take;
        i += take;
        if (remaining_ == 0) step_ = Step::data_return;
        break;
      }
      case Step::data_return:
        if (c != '\r') return Outcome::broken;
        step_ = Step::data_end;
        ++i;
        break;
      case Step::data_end:
        if (c != '\n') return Outcome::broken;
        step_ = Step::size;
        ++i;
        break;
      case Step::trailer:  // at the beginning of a line
        if (c == '\n') {
          step_ = Step::end;
        } else if (c != '\r') {
          step_ = Step::trailer_line;
        }
        ++i;
        break;
      case Step::trailer_line:
        if (++trailer_bytes_ > 8192) return Outcome::broken;
        if (c == '\n') step_ = Step::trailer;
        ++i;
        break;
      case Step::end:
        break;
    }
  }
  return step_ == Step::end ? Outcome::done : Outcome::more;
}

std::optional<std::chrono::seconds> retry_after(const Headers& headers, std::chrono::system_clock::time_point now) {
  const std::string* value = headers.find("Retry-After");
  if (value == nullptr) return std::nullopt;
  long long seconds = 0;
  const auto [end, status] = std::from_chars(value->data(), value->data() + value->size(), seconds);
  if (status == std::errc() && end == value->data() + value->size()) {
    if (seconds < 0 || seconds > 86400LL * 365) return std::nullopt;
    return std::chrono::seconds(seconds);
  }
  std::tm date{};
  const char* rest = ::strptime(value->c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
  if (rest == nullptr || *rest != '\0') return std::nullopt;
  // In whole seconds: a date may name a year that nanoseconds cannot hold.
  const std::chrono::seconds at(::timegm(&date));
  const auto wait = at - std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
  return std::clamp(wait, std::chrono::seconds(0), std::chrono::seconds(86400LL * 365));
}

}  // namespace bixws::net

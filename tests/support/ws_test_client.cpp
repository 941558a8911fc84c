// SPDX-License-Identifier: Apache-2.0
// The tests' WebSocket and HTTP client.
#include "support/ws_test_client.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <random>
#include <stdexcept>

namespace bixws::test {

namespace {

std::string random_key() {
  static thread_local std::mt19937 random{std::random_device{}()};
  std::array<unsigned char, 16> bytes{};
  for (auto& byte : bytes) byte = static_cast<unsigned char>(random());
  std::array<unsigned char, 32> encoded{};
  const int size = EVP_EncodeBlock(encoded.data(), bytes.data(), bytes.size());
  return std::string(encoded.begin(), encoded.begin() + size);
}

bool same_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string request_text(const Url& url, HttpHeaders headers, const HttpHeaders& given) {
  const std::string host = url.host.find(':') == std::string::npos ? url.host : "[" + url.host + "]";
  headers["Host"] = host + ":" + std::to_string(url.port);
  for (const auto& own : given) {
    std::erase_if(headers, [&own](const auto& usual) { return same_ignoring_case(usual.first, own.first); });
    headers.insert(own);
  }
  std::string text = "GET " + url.target + " HTTP/1.1\r\n";
  for (const auto& [name, value] : headers) text.append(name).append(": ").append(value).append("\r\n");
  return text + "\r\n";
}

enum class Got { bytes, deadline, end, reset };

Got read_into(Wire& wire, std::string& text, SteadyTime deadline) {
  while (true) {
    std::array<char, 65536> buffer;
    const Wire::Result result = wire.read(buffer.data(), buffer.size());
    if (result.state == Wire::State::ok) {
      text.append(buffer.data(), result.count);
      return Got::bytes;
    }
    if (result.state == Wire::State::end) return Got::end;
    if (result.state == Wire::State::error) return Got::reset;
    if (!wire.wait_readable(deadline)) return Got::deadline;
  }
}

// The decoded body of a chunked answer; nullopt while it is incomplete.
std::optional<std::string> unchunked(std::string_view text) {
  std::string body;
  while (true) {
    const std::size_t end = text.find("\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    std::size_t size = 0;
    std::from_chars(text.data(), text.data() + end, size, 16);
    text.remove_prefix(end + 2);
    if (text.size() < size + 2) return std::nullopt;
    body += text.substr(0, size);
    text.remove_prefix(size + 2);
    if (size == 0) return body;
  }
}

// Reads head and body. With `upgrade`, a 101 ends at its head and what follows it goes to `surplus`.
HttpAnswer read_answer(Wire& wire, SteadyTime deadline, std::string* surplus) {
  HttpAnswer answer;
  std::string text;
  std::size_t head_end = std::string::npos;
  while ((head_end = text.find("\r\n\r\n")) == std::string::npos) {
    const Got got = read_into(wire, text, deadline);
    if (got == Got::bytes) continue;
    answer.error = got == Got::deadline ? "no answer in time" : "connection ended before an answer";
    return answer;
  }
  const auto head = parse_http_head(std::string_view(text).substr(0, head_end + 4));
  if (!head) {
    answer.error = "not HTTP: " + text.substr(0, 100);
    return answer;
  }
  const std::size_t space = head->first_line.find(' ');
  if (space != std::string::npos) {
    std::from_chars(head->first_line.data() + space + 1, head->first_line.data() + head->first_line.size(),
                    answer.status);
  }
  answer.headers = head->headers;
  text.erase(0, head_end + 4);
  if (answer.status == 101 && surplus) {
    *surplus = std::move(text);
    return answer;
  }
  const bool chunked = head->header("transfer-encoding").find("chunked") != std::string::npos;
  const std::string length_text = head->header("content-length");
  std::size_t length = std::string::npos;
  if (!length_text.empty()) std::from_chars(length_text.data(), length_text.data() + length_text.size(), length);
  while (true) {
    if (chunked) {
      if (auto body = unchunked(text)) {
        answer.body = *std::move(body);
        return answer;
      }
    } else if (text.size() >= length) {
      answer.body = text.substr(0, length);
      return answer;
    }
    const Got got = read_into(wire, text, deadline);
    if (got == Got::bytes) continue;
    answer.body = std::move(text);
    if (got != Got::end || chunked || length != std::string::npos) answer.error = "the body was cut short";
    return answer;
  }
}

Wire dial(const Url& url, const ClientOptions& options, SteadyTime deadline) {
  Wire wire = Wire::connect(url.host, url.port, options.within);
  if (url.secure()) wire.start_tls_client(url.host, options.trust, time_left(deadline));
  return wire;
}

}  // namespace

Url Url::parse(std::string_view text) {
  Url url;
  const std::string whole(text);
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) throw std::runtime_error("not a URL: " + whole);
  url.scheme = text.substr(0, colon);
  if (url.scheme != "ws" && url.scheme != "wss" && url.scheme != "http" && url.scheme != "https") {
    throw std::runtime_error("not a scheme we speak: " + whole);
  }
  url.port = url.secure() ? 443 : 80;
  text.remove_prefix(colon + 3);
  const std::size_t path = text.find_first_of("/?");
  if (path != std::string_view::npos) {
    url.target = (text[path] == '?' ? "/" : "") + std::string(text.substr(path));
    text = text.substr(0, path);
  }
  const std::size_t bracket = text.starts_with('[') ? text.find(']') : std::string_view::npos;
  const std::size_t port = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (port != std::string_view::npos) {
    const std::string_view digits = text.substr(port + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), url.port);
    if (error != std::errc() || end != digits.data() + digits.size()) throw std::runtime_error("bad port: " + whole);
  }
  url.host = bracket == std::string_view::npos ? text.substr(0, port) : text.substr(1, bracket - 1);
  if (url.host.empty()) throw std::runtime_error("no host: " + whole);
  return url;
}

HttpAnswer http_get(const std::string& url_text, const ClientOptions& options) {
  const Url url = Url::parse(url_text);
  const SteadyTime deadline = std::chrono::steady_clock::now() + options.within;
  try {
    Wire wire = dial(url, options, deadline);
    const HttpHeaders usual{{"Connection", "close"}, {"User-Agent", "bixws-test"}};
    wire.write_all(request_text(url, usual, options.headers), time_left(deadline));
    return read_answer(wire, deadline, nullptr);
  } catch (const std::runtime_error& error) {
    HttpAnswer answer;
    answer.error = error.what();
    return answer;
  }
}

bool WsTestClient::connect(const std::string& url_text, const ClientOptions& options) {
  *this = WsTestClient();
  answer_pings_ = options.answer_pings;
  const Url url = Url::parse(url_text);
  const SteadyTime deadline = std::chrono::steady_clock::now() + options.within;
  const std::string key = random_key();
  try {
    wire_ = dial(url, options, deadline);
    const HttpHeaders usual{{"Connection", "Upgrade"},
                            {"Upgrade", "websocket"},
                            {"Sec-WebSocket-Version", "13"},
                            {"Sec-WebSocket-Key", key}};
    wire_.write_all(request_text(url, usual, options.headers), time_left(deadline));
    std::string surplus;
    answer_ = read_answer(wire_, deadline, &surplus);
    if (answer_.status != 101) {
      wire_.close();
      return false;
    }
    reader_.feed(surplus);
    if (options.headers.contains("Sec-WebSocket-Key")) return true;
    if (answer_.headers["sec-websocket-accept"] != ws_accept(key)) complain("wrong Sec-WebSocket-Accept");
    return protocol_error_.empty();
  } catch (const std::runtime_error& error) {
    answer_.error = error.what();
    wire_.close();
    return false;
  }
}

bool WsTestClient::send_close(std::uint16_t code, std::string_view reason) {
  return send_frame(WsOpcode::close, ws_close_payload(code, reason));
}

bool WsTestClient::send_frame(WsOpcode opcode, std::string_view payload, WsFrameShape shape) {
  return send_raw_bytes(ws_frame(opcode, payload, shape));
}

bool WsTestClient::send_raw_bytes(std::string_view bytes) { return wire_.open() && wire_.write_all(bytes, patience); }

void WsTestClient::complain(std::string_view what) {
  if (protocol_error_.empty()) protocol_error_ = what;
}

bool WsTestClient::read_more(SteadyTime deadline) {
  if (!open()) return false;
  std::string bytes;
  const Got got = read_into(wire_, bytes, deadline);
  if (got == Got::end) end_ = End::fin;
  if (got == Got::reset) end_ = End::reset;
  if (got != Got::bytes) return false;
  ++reads_;
  reader_.feed(bytes);
  return true;
}

void WsTestClient::take_frame(const WsFrame& frame) {
  if (frame.masked) complain("masked frame from a server");
  if (frame.rsv != 0) complain("reserved bits without an extension");
  switch (frame.opcode) {
    case WsOpcode::ping:
      pings_.push_back(frame.payload);
      if (answer_pings_) send_frame(WsOpcode::pong, frame.payload);
      return;
    case WsOpcode::pong:
      pongs_.push_back(frame.payload);
      return;
    case WsOpcode::close:
      close_code_ = ws_close_code(frame.payload);
      close_reason_ = frame.payload.size() > 2 ? frame.payload.substr(2) : "";
      send_frame(WsOpcode::close, frame.payload);
      return;
    case WsOpcode::text:
    case WsOpcode::binary:
      if (partial_) complain("a new message inside a fragmented one");
      partial_ = WsMessage{frame.opcode == WsOpcode::binary, frame.payload};
      break;
    case WsOpcode::continuation:
      if (!partial_) {
        complain("continuation of nothing");
        return;
      }
      partial_->payload += frame.payload;
      break;
    default:
      complain("unknown opcode");
      return;
  }
  if (!frame.fin) return;
  messages_.push_back(*std::move(partial_));
  partial_.reset();
}

std::optional<WsMessage> WsTestClient::next(Milliseconds within) {
  const SteadyTime deadline = std::chrono::steady_clock::now() + within;
  while (messages_.empty()) {
    if (const auto frame = reader_.next()) {
      take_frame(*frame);
    } else if (!read_more(deadline)) {
      return std::nullopt;
    }
  }
  WsMessage message = std::move(messages_.front());
  messages_.pop_front();
  return message;
}

std::optional<std::string> WsTestClient::next_text(Milliseconds within) {
  if (auto message = next(within)) return std::move(message->payload);
  return std::nullopt;
}

std::optional<std::string> WsTestClient::next_text_that(const std::function<bool(const std::string&)>& condition,
                                                        Milliseconds within) {
  const SteadyTime deadline = std::chrono::steady_clock::now() + within;
  while (auto text = next_text(time_left(deadline))) {
    if (condition(*text)) return text;
  }
  return std::nullopt;
}

std::optional<WsFrame> WsTestClient::next_frame(Milliseconds within) {
  const SteadyTime deadline = std::chrono::steady_clock::now() + within;
  while (true) {
    if (auto frame = reader_.next()) return frame;
    if (!read_more(deadline)) return std::nullopt;
  }
}

bool WsTestClient::wait_closed(Milliseconds within) {
  const SteadyTime deadline = std::chrono::steady_clock::now() + within;
  while (end_ == End::open && wire_.open()) {
    while (const auto frame = reader_.next()) take_frame(*frame);
    if (!read_more(deadline) && end_ == End::open) return false;
  }
  while (const auto frame = reader_.next()) take_frame(*frame);
  return true;
}

}  // namespace bixws::test

// SPDX-License-Identifier: Apache-2.0
// An HTTP(S) request on a loop: one connection per call, body capped, redirects not followed.
#include "net/http_client.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "net/text.h"

namespace bixws::net {

std::string HttpReply::text() const {
  if (failure) return failure->text;
  std::string out = "HTTP " + std::to_string(status) + " " + reason;
  if (!body.empty()) out += ": ";
  for (const char c : std::string_view(body).substr(0, 200)) {
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  }
  return out;
}

HttpClient::HttpClient(Loop& loop, HttpClientOptions options)
    : loop_(&loop),
      options_(std::move(options)),
      connector_(loop, options_.connect),
      timer_(loop, [this] { fail(Stage::http, "no complete answer in time"); }) {}

void HttpClient::start(HttpCall call, Done done) {
  if (call.url.websocket()) throw std::runtime_error("URL \"" + call.url.text() + "\" is not http:// or https://");
  stop();
  call_ = std::move(call);
  done_ = std::move(done);
  input_.clear();
  searched_ = 0;
  reply_ = {};
  head_read_ = false;
  length_.reset();
  chunks_ = nullptr;
  timer_.start(options_.timeout);
  connector_.start(call_.url, [this](std::unique_ptr<Connection> connection, const NetFailure& failure) {
    on_connected(std::move(connection), failure);
  });
}

void HttpClient::stop() noexcept {
  timer_.cancel();
  connector_.stop();
  if (connection_) {
    connection_->set_owner(nullptr);
    connection_->close();
    loop_->dispose(std::move(connection_));
  }
  done_ = nullptr;
}

void HttpClient::on_connected(std::unique_ptr<Connection> connection, const NetFailure& failure) {
  if (!connection) {
    reply_.failure = failure;
    finish();
    return;
  }
  connection_ = std::move(connection);
  connection_->set_owner(this);
  request_ = call_.method + " " + call_.url.target + " HTTP/1.1\r\nHost: " + call_.url.host_header() +
             "\r\nConnection: close\r\nAccept: */*\r\n";
  if (!call_.headers.has("User-Agent")) request_ += "User-Agent: bixws\r\n";
  for (const auto& [name, value] : call_.headers) request_ += name + ": " + value + "\r\n";
  if (!call_.body.empty() || call_.method == "POST" || call_.method == "PUT") {
    if (!call_.content_type.empty()) request_ += "Content-Type: " + call_.content_type + "\r\n";
    request_ += "Content-Length: " + std::to_string(call_.body.size()) + "\r\n";
  }
  request_ += "\r\n" + call_.body;
  send_request();
}

void HttpClient::send_request() {
  const IoResult result = connection_->write(request_);
  request_.erase(0, result.bytes);
  connection_->want_write(result.status == IoStatus::again);
}

void HttpClient::on_writable() {
  if (connection_->transport().unflushed()) {
    if (connection_->transport().flush().status == IoStatus::again) return;
  }
  if (!request_.empty()) {
    send_request();
  } else {
    connection_->want_write(false);
  }
}

void HttpClient::on_readable() {
  for (int reads = 0; connection_ && reads < 16; ++reads) {
    const auto scratch = loop_->scratch();
    const IoResult result = connection_->read(scratch);
    if (result.status == IoStatus::again) return;
    if (result.status != IoStatus::ok) {
      ended(result);
      return;
    }
    take({scratch.data(), result.bytes});
  }
  if (connection_ && connection_->secure()) connection_->read_again();
}

void HttpClient::take(std::string_view bytes) {
  if (head_read_) {
    take_body(bytes);
    return;
  }
  input_.append(bytes);
  while (!head_read_) {
    if (!take_head()) return;
  }
  const std::string rest = std::move(input_);
  input_.clear();
  take_body(rest);
}

// False: more is needed, or it is all over.
bool HttpClient::take_head() {
  const auto size = head_end(input_, searched_);
  if (!size) {
    if (input_.size() > options_.max_head) fail(Stage::http, "the head of the answer is too long");
    return false;
  }
  const auto head = parse_response(std::string_view(input_).substr(0, *size));
  if (!head) {
    fail(Stage::http, "the answer is not HTTP");
    return false;
  }
  input_.erase(0, *size);
  searched_ = 0;
  if (head->status < 200 && head->status != 101) return !input_.empty();  // 100 Continue and its like: not the answer
  head_read_ = true;
  reply_.status = head->status;
  reply_.reason = head->reason;
  reply_.headers = head->headers;
  if (call_.method == "HEAD" || head->status == 204 || head->status == 304) {
    length_ = 0;
  } else if (head->headers.has("Transfer-Encoding")) {
    if (!head->headers.lists("Transfer-Encoding", "chunked")) {
      fail(Stage::http, "unknown Transfer-Encoding");
      return false;
    }
    chunks_ = std::make_unique<ChunkReader>();
  } else if (const std::string* text = head->headers.find("Content-Length")) {
    std::uint64_t length = 0;
    const auto [end, status] = std::from_chars(text->data(), text->data() + text->size(), length);
    if (status != std::errc() || end != text->data() + text->size()) {
      fail(Stage::http, "invalid Content-Length");
      return false;
    }
    if (length > options_.max_body) {
      fail(Stage::http, "the answer of " + *text + " bytes is too large");
      return false;
    }
    length_ = length;
  }
  return true;
}

void HttpClient::take_body(std::string_view bytes) {
  if (!connection_) return;
  if (chunks_) {
    const auto outcome = chunks_->feed(bytes, reply_.body, options_.max_body);
    if (outcome == ChunkReader::Outcome::broken) {
      fail(Stage::http, "the chunked body is broken or too large");
    } else if (outcome == ChunkReader::Outcome::done) {
      complete();
    }
    return;
  }
  if (length_) bytes = bytes.substr(0, static_cast<std::size_t>(*length_ - reply_.body.size()));
  if (reply_.body.size() + bytes.size() > options_.max_body) {
    fail(Stage::http, "the answer is too large");
    return;
  }
  reply_.body.append(bytes);
  if (length_ && reply_.body.size() == *length_) complete();
}

void HttpClient::ended(const IoResult& result) {
  if (head_read_ && !length_ && !chunks_ && result.status == IoStatus::closed && result.code == 0) {
    complete();  // a body that the end of the connection ends
  } else if (head_read_) {
    fail(Stage::http, "the connection ended inside the answer: " + result.text());
  } else {
    fail(Stage::http, "the server hung up without an answer: " + result.text());
  }
}

void HttpClient::complete() { finish(); }

void HttpClient::fail(Stage stage, const std::string& text) {
  NetFailure failure;
  failure.stage = stage;
  failure.status = reply_.status;
  failure.body = reply_.body.substr(0, 200);
  failure.retry_after = retry_after(reply_.headers, std::chrono::system_clock::now());
  failure.text = call_.method + " " + call_.url.text() + ": " + text;
  reply_.failure = std::move(failure);
  finish();
}

void HttpClient::finish() {
  const Done done = std::move(done_);
  HttpReply reply = std::move(reply_);
  stop();
  done(std::move(reply));
}

}  // namespace bixws::net

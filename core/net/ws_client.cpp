// SPDX-License-Identifier: Apache-2.0
// A WebSocket client on a loop: connects, checks the upgrade, then speaks through a WsPeer.
#include "net/ws_client.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "net/ws_handshake.h"

namespace bixws::net {
namespace {

constexpr std::size_t refusal_body = 200;                          // bytes of a refusal shown to the user
constexpr auto refusal_patience = std::chrono::milliseconds(500);  // for that body to arrive

// An error page in one line, without what a terminal would act on.
std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

}  // namespace

WsClient::WsClient(Loop& loop, WsClientOptions options, Owner& owner)
    : loop_(&loop),
      options_(std::move(options)),
      owner_(&owner),
      connector_(loop, options_.connect),
      timer_(loop, [this] {
        if (refusal_) {
          collect_refusal(true);
        } else {
          fail({Stage::http, 0, {}, std::nullopt, url_.text() + " does not answer the upgrade request"});
        }
      }) {}

void WsClient::connect(const Url& url) {
  if (!url.websocket()) throw std::runtime_error("URL \"" + url.text() + "\" is not ws:// or wss://");
  stop();
  url_ = url;
  connector_.start(url, [this](std::unique_ptr<Connection> connection, const NetFailure& failure) {
    on_connected(std::move(connection), failure);
  });
}

void WsClient::drop_attempt() noexcept {
  timer_.cancel();
  connector_.stop();
  if (connection_) {
    connection_->set_owner(nullptr);
    connection_->close();
    loop_->dispose(std::move(connection_));
  }
  refusal_ = nullptr;
  std::string().swap(answer_);
  searched_ = 0;
}

void WsClient::stop() noexcept {
  drop_attempt();
  if (peer_) {
    peer_->abort();
    loop_->dispose(std::move(peer_));
  }
}

void WsClient::close(std::uint16_t code, std::string_view reason) {
  if (peer_) {
    peer_->close(code, reason);
  } else {
    stop();
  }
}

SendStatus WsClient::send(Opcode kind, std::string_view payload) {
  return peer_ ? peer_->send(kind, payload) : SendStatus::refused;
}

// By value: the failure may belong to the attempt that is dropped first.
void WsClient::fail(NetFailure failure) {  // NOLINT(performance-unnecessary-value-param)
  drop_attempt();
  owner_->on_failed(*this, failure);
}

void WsClient::on_connected(std::unique_ptr<Connection> connection, const NetFailure& failure) {
  if (!connection) {
    owner_->on_failed(*this, failure);
    return;
  }
  connection_ = std::move(connection);
  connection_->set_owner(this);
  key_ = make_ws_key();
  Headers headers = options_.headers;
  if (!headers.has("User-Agent")) headers.add("User-Agent", "bixws");
  request_ = ws_request(url_.host_header(), url_.target, key_, headers, options_.deflate);
  timer_.start(options_.upgrade_timeout);
  send_request();
}

void WsClient::send_request() {
  const IoResult result = connection_->write(request_);
  if (result.status == IoStatus::again) {
    request_.erase(0, result.bytes);
    connection_->want_write(true);
  } else if (result.status == IoStatus::ok) {
    request_.clear();
    connection_->want_write(false);
  }  // an error is told by the next read as well, with what the server said before it hung up
}

void WsClient::on_writable() {
  if (connection_->transport().unflushed()) {
    if (connection_->transport().flush().status == IoStatus::again) return;
  }
  if (!request_.empty()) {
    send_request();
  } else {
    connection_->want_write(false);
  }
}

void WsClient::on_readable() { read_answer(); }

void WsClient::read_answer() {
  while (connection_) {
    const auto scratch = loop_->scratch();
    const std::size_t room = std::min(scratch.size(), options_.max_head - std::min(options_.max_head, answer_.size()));
    const IoResult result = connection_->read(scratch.first(std::max<std::size_t>(room, 1)));
    if (result.status == IoStatus::again) return;
    if (result.status != IoStatus::ok) {
      if (refusal_) {
        collect_refusal(true);
      } else {
        fail({Stage::http, 0, {}, std::nullopt, url_.text() + " hung up instead of answering: " + result.text()});
      }
      return;
    }
    answer_.append(scratch.data(), result.bytes);
    if (refusal_) {
      collect_refusal(false);
      continue;
    }
    const auto size = head_end(answer_, searched_);
    if (!size) {
      if (answer_.size() >= options_.max_head) {
        fail({Stage::http, 0, {}, std::nullopt, url_.text() + ": the head of its answer is too long"});
        return;
      }
      if (!answer_.starts_with(std::string_view("HTTP/").substr(0, answer_.size()))) {
        fail({Stage::http, 0, printable(answer_.substr(0, refusal_body)), std::nullopt,
              url_.text() + " does not answer in HTTP"});
        return;
      }
      continue;
    }
    const auto head = parse_response(std::string_view(answer_).substr(0, *size));
    if (!head) {
      fail({Stage::http, 0, {}, std::nullopt, url_.text() + " does not answer in HTTP"});
      return;
    }
    std::string rest = answer_.substr(*size);
    if (head->status == 101) {
      upgraded(*head, std::move(rest));
      return;
    }
    answer_ = std::move(rest);
    refusal_ = std::make_unique<HttpResponseHead>(*head);
    timer_.start(refusal_patience);
    collect_refusal(false);
  }
}

void WsClient::collect_refusal(bool ended) {
  const std::string* length = refusal_->headers.find("Content-Length");
  const bool whole = answer_.size() >= refusal_body || (length != nullptr && *length == std::to_string(answer_.size()));
  if (!ended && !whole) return;
  NetFailure failure;
  failure.stage = Stage::http;
  failure.status = refusal_->status;
  failure.body = answer_.substr(0, refusal_body);
  failure.retry_after = retry_after(refusal_->headers, std::chrono::system_clock::now());
  failure.text = url_.text() + " answered HTTP " + std::to_string(refusal_->status) + " " + refusal_->reason;
  const std::string shown = printable(failure.body);
  if (!shown.empty()) failure.text += ": " + shown;
  if (const std::string* location = refusal_->headers.find("Location");
      location != nullptr && failure.status / 100 == 3) {
    failure.text += " (redirects are not followed; it points to " + printable(*location) + ")";
  }
  fail(std::move(failure));
}

void WsClient::upgraded(const HttpResponseHead& head, std::string early) {
  DeflateAgreement agreement;
  if (const auto fault = check_ws_response(head, key_, options_.deflate, agreement)) {
    fail({Stage::protocol, 101, {}, std::nullopt, url_.text() + ": not a WebSocket server: " + *fault});
    return;
  }
  timer_.cancel();
  std::string().swap(answer_);
  searched_ = 0;
  connection_->want_write(connection_->transport().unflushed());
  peer_ = std::make_unique<WsPeer>(std::move(connection_), Role::client, options_.peer, agreement,
                                   static_cast<WsPeer::Owner&>(*this));
  peer_->start(std::move(early));
  owner_->on_open(*this);
}

void WsClient::on_message(WsPeer&, Opcode kind, std::string_view payload) { owner_->on_message(*this, kind, payload); }

void WsClient::on_writable(WsPeer&) { owner_->on_writable(*this); }

void WsClient::on_pong(WsPeer&, Duration round_trip) { owner_->on_pong(*this, round_trip); }

void WsClient::on_closed(WsPeer&, const WsEnd& end) {
  loop_->dispose(std::move(peer_));
  owner_->on_closed(*this, end);
}

}  // namespace bixws::net

// SPDX-License-Identifier: Apache-2.0
// ClientSession: requests in, frames out.
#include "server/client_session.h"

#include <algorithm>

#include "server/replies.h"
#include "server/server_loop.h"

namespace bixws::server {
namespace {

net::WsPeerOptions peer_options(const Options& options) {
  net::WsPeerOptions peer;
  peer.max_message = options.max_message;
  peer.max_queued = 0;  // everything goes through the fan-out
  peer.ping_interval = options.ping_interval;
  peer.pong_deadline = options.pong_deadline;
  peer.close_deadline = options.close_deadline;
  return peer;
}

}  // namespace

ClientSession::ClientSession(ServerLoop& loop, std::uint64_t number, net::Upgraded upgraded, Doors::Origin origin)
    : peer_(std::move(upgraded.connection), net::Role::server, peer_options(loop.options()), upgraded.deflate, *this),
      loop_(loop),
      number_(number),
      origin_(std::move(origin)),
      member_(&loop.fanout().add(*this, number, Squeezer::window_for(upgraded.deflate))),
      allowance_(loop.options().messages_per_second, loop.loop().now()) {}

ClientSession::~ClientSession() { leave(); }

void ClientSession::leave() {
  if (member_ != nullptr) loop_.fanout().remove(*member_);
  member_ = nullptr;
}

void ClientSession::cut() {
  peer_.abort();
  loop_.ended(*this);
}

void ClientSession::start(std::string early) { peer_.start(std::move(early)); }

void ClientSession::send(std::string_view payload) {
  TextBuffer out;
  const std::size_t begin = begin_frame(out);
  out.raw(payload);
  end_frame(out, begin);
  if (member_ != nullptr) loop_.fanout().send(*member_, out.str());
}

void ClientSession::send_error(const RequestError& error) {
  TextBuffer text;
  append_error(text, error);
  send(text.view());
  loop_.counters().errors.fetch_add(1, std::memory_order_relaxed);
}

void ClientSession::close(std::uint16_t code, std::string_view reason) {
  if (member_ == nullptr) return;
  loop_.fanout().drop_backlog(*member_);
  peer_.close(code, reason);
}

void ClientSession::close_when_drained(std::uint16_t code, std::string_view reason) {
  if (member_ == nullptr) return;
  loop_.fanout().when_drained(*member_, [this, code, text = std::string(reason)] { close(code, text); });
}

void ClientSession::cut_when_drained() {
  if (member_ == nullptr) return;
  // Not from inside the sweep that finds it drained.
  loop_.fanout().when_drained(*member_, [this] { loop_.cut_later(number_); });
}

net::IoResult ClientSession::send_frames(std::string_view frames) { return peer_.try_send(frames); }

void ClientSession::prefetch() const { peer_.prefetch(); }

void ClientSession::frame_finished() { peer_.frame_finished(); }

void ClientSession::too_slow() {
  loop_.log("client " + origin_.text + " is too slow for its policy, closing it");
  close(net::close_code::try_again_later, "slow_consumer");
}

void ClientSession::on_message(net::WsPeer& peer, net::Opcode kind, std::string_view payload) {
  (void)peer;
  loop_.counters().received.fetch_add(1, std::memory_order_relaxed);
  switch (allowance_.take(loop_.loop().now())) {
    case Allowance::Verdict::abuse:
      return close(net::close_code::policy, "too many messages");
    case Allowance::Verdict::too_fast:
      return send_error({{}, ErrorCode::rate_limited, too_fast_text(loop_.options().messages_per_second)});
    case Allowance::Verdict::good:
      break;
  }
  if (kind != net::Opcode::text) {
    loop_.handle(number_, RequestError{{}, ErrorCode::bad_request, "binary messages are not part of the protocol"});
    return;
  }
  Request request = parse_request(payload, loop_.labels());
  const auto* subscribe = std::get_if<SubscribeRequest>(&request);
  const bool subscribes = subscribe != nullptr && subscribe->subscribe;
  loop_.handle(number_, std::move(request));
  if (subscribes && member_ != nullptr) be_ready();
}

void ClientSession::be_ready() {
  if (ready_ || !loop_.options().on_ready) return;
  ready_ = true;
  loop_.became_ready();
}

void ClientSession::on_pong(net::WsPeer& peer, net::Duration round_trip) {
  (void)peer;
  (void)round_trip;
  if (ready_ || member_ == nullptr || !loop_.options().on_ready) return;
  if (answered_ping_) return be_ready();
  answered_ping_ = true;
  loop_.call(number_);
}

void ClientSession::on_writable(net::WsPeer& peer) {
  (void)peer;
  if (member_ != nullptr) loop_.fanout().writable(*member_);
  loop_.moved_on();
}

void ClientSession::on_closed(net::WsPeer& peer, const net::WsEnd& end) {
  (void)peer;
  (void)end;
  loop_.ended(*this);
}

}  // namespace bixws::server

// SPDX-License-Identifier: Apache-2.0
// NativeClient: many frames in one send.
#include "native/native_client.h"

#include "net/ws_codec.h"

namespace bixws::native {
namespace {

net::WsPeerOptions peer_options() {
  net::WsPeerOptions options;
  options.max_message = std::size_t{1} << 20;
  options.max_queued = 0;  // frames are queued here
  return options;
}

}  // namespace

NativeClient::NativeClient(Owner& owner, std::uint64_t number, std::unique_ptr<VenueSession> session,
                           net::Upgraded upgraded)
    : owner_(owner),
      number_(number),
      session_(std::move(session)),
      peer_(std::move(upgraded.connection), net::Role::server, peer_options(), upgraded.deflate, *this) {}

void NativeClient::send(Text frame) noexcept {
  if (leaving_) return;
  net::append_server_head(pending_, net::Opcode::text, frame.size());
  pending_ += frame;
  active_ = true;
}

bool NativeClient::wants(const Topic& topic) {
  if (topic.id >= wanted_.size()) wanted_.resize(topic.id + 1);
  std::uint8_t& known = wanted_[topic.id];
  if (known == 0) known = session_->wants(topic.view()) ? 2 : 1;
  return known == 2;
}

void NativeClient::asked() {
  wanted_.clear();
  topics_ = session_->topics();
}

void NativeClient::leave(std::uint16_t code, std::string reason) {
  if (leaving_) return;
  for (auto& [topic, payload] : held_) send(payload);
  held_.clear();
  leaving_ = true;
  code_ = code;
  reason_ = std::move(reason);
}

void NativeClient::release(const Topic& topic) {
  for (auto held = held_.begin(); held != held_.end();) {
    if (held->first != topic.id) {
      ++held;
      continue;
    }
    send(held->second);
    held = held_.erase(held);
  }
}

void NativeClient::flush() {
  while (!over_ && !blocked_) {
    if (sent_ == sending_.size()) {
      sending_.clear();
      sent_ = 0;
      bool last = false;
      {
        const auto lock = owner_.take_state();
        sending_.swap(pending_);
        owner_.on_room();
        last = leaving_;
      }
      if (sending_.empty()) {
        if (!last) return;
        over_ = true;
        if (code_ != 0) return peer_.close(code_, reason_);
        peer_.abort();
        return owner_.on_gone(*this);
      }
    }
    const net::IoResult result = peer_.try_send(std::string_view(sending_).substr(sent_));
    sent_ += result.bytes;
    blocked_ = result.status == net::IoStatus::again;
    if (result.status != net::IoStatus::ok && !blocked_) over_ = true;  // on_closed follows
  }
}

void NativeClient::on_message(net::WsPeer& peer, net::Opcode kind, std::string_view payload) {
  (void)peer;
  if (kind == net::Opcode::text && !over_) owner_.on_heard(*this, payload);
}

void NativeClient::on_writable(net::WsPeer& peer) {
  (void)peer;
  blocked_ = false;
  flush();
}

void NativeClient::on_closed(net::WsPeer& peer, const net::WsEnd& end) {
  (void)peer;
  (void)end;
  over_ = true;
  owner_.on_gone(*this);
}

}  // namespace bixws::native

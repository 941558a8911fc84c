// SPDX-License-Identifier: Apache-2.0
// The other end of an upgraded connection, in either role: messages, pings, the closing handshake, bounded sending.
#include "net/ws_peer.h"

#include <string>
#include <utility>

namespace bixws::net {
namespace {

constexpr int reads_per_turn = 16;           // of a TLS connection, 64 KiB each
constexpr std::size_t pong_backlog = 16384;  // beyond it pings stay unanswered: the peer does not read
constexpr std::size_t keep_output = 1024;
constexpr std::size_t keep_frame = std::size_t{256} * 1024;

std::string seconds_text(Duration duration) {
  const auto count = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  return count % 1000 == 0 ? std::to_string(count / 1000) + " s" : std::to_string(count) + " ms";
}

}  // namespace

WsPeer::WsPeer(std::unique_ptr<Connection> connection, Role role, const WsPeerOptions& options,
               const DeflateAgreement& deflate, Owner& owner)
    : connection_(std::move(connection)),
      role_(role),
      owner_(&owner),
      options_(options),
      deflate_(deflate),
      decoder_(role, options.max_message),
      timer_(connection_->loop(), [this] { on_timer(); }) {
  if (deflate_.agreed && deflate_.peer_keeps_context) inflater_ = std::make_unique<Inflater>(true);
}

void WsPeer::start(std::string early) {
  // A shared inflater belongs to the thread that reads, which is this one from now on.
  if (deflate_.agreed) decoder_.set_inflater(inflater_ ? inflater_.get() : &thread_inflater());
  connection_->set_owner(this);
  if (options_.ping_interval > Duration::zero()) timer_.start(options_.ping_interval);
  if (!early.empty()) early_ = std::make_unique<std::string>(std::move(early));
  if (early_ || connection_->secure()) connection_->read_again();
}

void WsPeer::on_readable() {
  if (state_ == State::closed) return;
  if (connection_->paused() || broken_) {  // only the end of the connection is told while paused
    lost({IoStatus::closed});
    return;
  }
  if (early_) {
    const auto early = std::move(early_);
    feed(*early);
    if (state_ == State::closed) return;
  }
  for (int i = 0; i < reads_per_turn; ++i) {
    const std::span<char> scratch = connection_->loop().scratch();
    const IoResult result = connection_->read(scratch);
    if (result.status == IoStatus::again) return;
    if (result.status != IoStatus::ok) {
      lost(result);
      return;
    }
    if (state_ != State::ending) feed(scratch.first(result.bytes));
    if (state_ == State::closed || connection_->paused()) return;
    if (!connection_->secure()) return;  // epoll will tell of more; others come first
  }
  connection_->read_again();
}

void WsPeer::feed(std::span<char> bytes) {
  if (decoder_.feed(bytes, *this) != Decode::failed) return;
  if (state_ != State::open && state_ != State::closing) return;
  end_ = std::make_unique<WsEnd>();
  end_->code = decoder_.failure_code();
  end_->reason = decoder_.failure_text();
  end_->text = std::string("the peer broke the WebSocket protocol: ") + decoder_.failure_text();
  if (state_ == State::open) queue_close(decoder_.failure_code(), decoder_.failure_text());
  begin_ending();
}

bool WsPeer::on_ws_message(Opcode kind, std::string_view payload) {
  if (state_ == State::open) owner_->on_message(*this, kind, payload);
  return state_ == State::open || state_ == State::closing;
}

bool WsPeer::on_ws_ping(std::string_view payload) {
  if (state_ == State::open && queued() < pong_backlog + options_.max_queued) {
    append_frame(output_, role_, Opcode::pong, payload);
    flush_output();
  }
  return state_ != State::closed;
}

bool WsPeer::on_ws_pong(std::string_view) {
  if (state_ != State::open) return state_ != State::closed;
  Duration round_trip{};
  if (waiting_pong_) {
    waiting_pong_ = false;
    round_trip = connection_->loop().now() - pinged_at_;
    timer_.start(options_.ping_interval);
  }
  owner_->on_pong(*this, round_trip);
  return state_ != State::closed;
}

bool WsPeer::on_ws_close(std::uint16_t code, std::string_view reason) {
  if (state_ == State::closing) {
    end_->clean = true;
    begin_ending();
  } else if (state_ == State::open) {
    end_ = std::make_unique<WsEnd>();
    end_->code = code;
    end_->reason = reason;
    end_->clean = true;
    end_->by_peer = true;
    end_->text = "closed by the peer with code " + std::to_string(code);
    if (!reason.empty()) end_->text.append(" (").append(reason).append(")");
    queue_close(code, {});
    begin_ending();
  }
  return false;
}

void WsPeer::close(std::uint16_t code, std::string_view reason) {
  if (state_ != State::open) return;
  end_ = std::make_unique<WsEnd>();
  end_->code = code;
  end_->reason = reason;
  end_->text = "closed by us with code " + std::to_string(code);
  if (!reason.empty()) end_->text.append(" (").append(reason).append(")");
  state_ = State::closing;
  timer_.start(options_.close_deadline);
  queue_close(code, reason);
  connection_->pause_reading(false);  // the answer must be seen
}

void WsPeer::queue_close(std::uint16_t code, std::string_view reason) {
  append_close(output_, role_, code, reason);
  flush_output();
}

// Both close frames are exchanged, or the peer does not deserve one. RFC 6455 section 7.1.1: the server ends the TCP
// connection, the client waits for that. Reading on to the end keeps the kernel from answering late bytes with a
// reset, which would throw away a close frame that the peer has not read yet.
void WsPeer::begin_ending() {
  state_ = State::ending;
  timer_.start(options_.close_deadline);
  connection_->pause_reading(false);
  end_writing();
}

void WsPeer::end_writing() {
  const bool failed = !end_->clean;
  if (role_ == Role::client && !failed) return;
  if (queued() == 0 && !connection_->transport().unflushed() && !sent_fin_) {
    sent_fin_ = true;
    connection_->shutdown_write();
  }
}

void WsPeer::on_timer() {
  if (state_ == State::open && !waiting_pong_) {
    waiting_pong_ = true;
    pinged_at_ = connection_->loop().now();
    append_frame(output_, role_, Opcode::ping, {});
    flush_output();
    timer_.start(options_.pong_deadline);
    return;
  }
  if (state_ == State::open) {
    end_ = std::make_unique<WsEnd>();
    end_->by_peer = true;
    end_->text = "no answer to a ping within " + seconds_text(options_.pong_deadline);
  } else if (state_ == State::closing) {
    end_->text += "; the peer did not answer the close frame within " + seconds_text(options_.close_deadline);
  }
  finish();
}

SendStatus WsPeer::send(Opcode kind, std::string_view payload) {
  if (state_ != State::open || broken_) return SendStatus::refused;
  if (queued() + payload.size() + 14 > options_.max_queued) return SendStatus::refused;
  thread_local std::string frame;
  frame.clear();
  const bool compressed = options_.compress && deflate_.agreed && deflate_.send_bits != 0 &&
                          payload.size() >= deflate_threshold &&
                          append_compressed_frame(frame, role_, kind, payload, thread_deflater(deflate_.send_bits));
  if (!compressed) append_frame(frame, role_, kind, payload);
  SendStatus status = SendStatus::queued;
  if (queued() > 0 || mid_frame_) {
    output_.append(frame);
  } else {
    const IoResult result = connection_->write(frame);
    if (result.status == IoStatus::ok) {
      status = SendStatus::sent;
    } else if (result.status == IoStatus::again) {
      output_.append(frame, result.bytes, std::string::npos);
      watch_writing();
    } else {
      broken(result);
      status = SendStatus::refused;
    }
  }
  if (frame.capacity() > keep_frame) std::string().swap(frame);
  return status;
}

void WsPeer::pause_reading(bool paused) {
  connection_->pause_reading(paused);
  if (!paused && early_) connection_->read_again();
}

IoResult WsPeer::try_send(std::string_view frames) {
  if (state_ != State::open && !mid_frame_) return {IoStatus::closed};
  if (queued() > 0 && !mid_frame_) {
    flush_output();
    if (queued() > 0) {
      raw_waits_ = true;
      return {IoStatus::again};
    }
  }
  const IoResult result = connection_->write(frames);
  if (result.status == IoStatus::ok) {
    if (mid_frame_) frame_finished();
  } else if (result.status == IoStatus::again) {
    mid_frame_ = mid_frame_ || result.bytes > 0;
    raw_waits_ = true;
    connection_->want_write(true);
  } else {
    broken(result);
  }
  return result;
}

void WsPeer::frame_finished() {
  mid_frame_ = false;
  if (queued() > 0) flush_output();
}

void WsPeer::flush_output() {
  if (mid_frame_ || broken_ || queued() == 0) return;
  const IoResult result = connection_->write(std::string_view(output_).substr(output_at_));
  if (result.status == IoStatus::ok) {
    if (output_.capacity() > keep_output) {
      std::string().swap(output_);
    } else {
      output_.clear();
    }
    output_at_ = 0;
  } else if (result.status == IoStatus::again) {
    output_at_ += result.bytes;
    if (output_at_ > output_.size() / 2) {
      output_.erase(0, output_at_);
      output_at_ = 0;
    }
    watch_writing();
  } else {
    broken(result);
  }
}

void WsPeer::watch_writing() {
  connection_->want_write(raw_waits_ || (queued() > 0 && !mid_frame_) || connection_->transport().unflushed());
}

void WsPeer::on_writable() {
  if (connection_->transport().unflushed()) {
    const IoResult result = connection_->transport().flush();
    if (result.status == IoStatus::again) return;
    if (result.status != IoStatus::ok) {
      lost(result);
      return;
    }
  }
  flush_output();
  if ((queued() == 0 || mid_frame_) && (state_ == State::open || mid_frame_)) {
    raw_waits_ = false;
    owner_->on_writable(*this);
    if (state_ == State::closed) return;
    flush_output();
  }
  watch_writing();
  if (state_ == State::ending) end_writing();
}

// The owner may be in the middle of something: it learns of the end from the loop, not from inside its own call.
void WsPeer::broken(const IoResult& result) {
  if (broken_) return;
  broken_ = true;
  if (!end_) {
    end_ = std::make_unique<WsEnd>();
    end_->by_peer = true;
    end_->text = "connection lost while sending: " + result.text();
  }
  connection_->pause_reading(false);
  connection_->want_write(false);
  connection_->read_again();
}

void WsPeer::lost(const IoResult& result) {
  if (!end_) {
    end_ = std::make_unique<WsEnd>();
    end_->by_peer = true;
    end_->text = "connection lost without a close frame: " + result.text();
  }
  finish();
}

void WsPeer::finish() {
  if (state_ == State::closed) return;
  state_ = State::closed;
  timer_.cancel();
  connection_->close();
  const auto end = std::move(end_);
  owner_->on_closed(*this, *end);
}

void WsPeer::abort() noexcept {
  state_ = State::closed;
  timer_.cancel();
  connection_->close();
}

}  // namespace bixws::net

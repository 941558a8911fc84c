// SPDX-License-Identifier: Apache-2.0
// A transport that a loop watches for whoever owns the conversation at the moment: HTTP first, WebSocket after it.
#include "net/connection.h"

#include <utility>

namespace bixws::net {

Connection::Connection(Loop& loop, Transport transport, const Address& peer)
    : loop_(&loop), transport_(std::move(transport)), peer_(peer), securing_(transport_.ssl() != nullptr) {
  // A client has to speak first, so its handshake starts with the socket being writable.
  if (securing_) watched_ = EPOLLIN | EPOLLOUT;
  loop_->add(transport_.fd(), *this, watched_);
}

void Connection::start_tls(SslHandle ssl) {
  transport_.start_tls(std::move(ssl));
  securing_ = true;
  wants_write_ = true;
  update();
}

void Connection::continue_handshake() {
  const IoResult result = transport_.handshake();
  if (result.status == IoStatus::again) {
    wants_write_ = transport_.handshake_wants_write();
    update();
    return;
  }
  securing_ = false;
  wants_write_ = false;
  if (result.status == IoStatus::ok) {
    update();
    if (transport_.buffered()) read_again();
  } else {
    loop_->remove(transport_.fd(), *this);  // otherwise a dead socket would be reported for ever
    watched_ = UINT32_MAX;
  }
  if (owner_ != nullptr) owner_->on_secured(result);
}

void Connection::on_ready(std::uint32_t events) {
  if (securing_) {
    continue_handshake();
    return;
  }
  const bool gone = (events & (EPOLLERR | EPOLLHUP)) != 0;
  const bool readable = (events & EPOLLIN) != 0 && !paused_;
  // Under TLS a write may wait for something to be read, so any event is a reason to try it again.
  const bool writable = wants_write_ && ((events & EPOLLOUT) != 0 || (secure() && readable));
  if (writable && !gone && owner_ != nullptr) owner_->on_writable();
  if (!open()) return;
  if ((readable || gone) && owner_ != nullptr) owner_->on_readable();
}

void Connection::want_write(bool wanted) {
  if (wanted == wants_write_) return;
  wants_write_ = wanted;
  update();
}

void Connection::pause_reading(bool paused) {
  if (paused == paused_) return;
  paused_ = paused;
  update();
  if (!paused_ && transport_.buffered()) read_again();
}

void Connection::read_again() {
  if (open()) loop_->again(*this, EPOLLIN);
}

void Connection::update() {
  if (!open() || watched_ == UINT32_MAX) return;
  const std::uint32_t events = (paused_ ? 0U : std::uint32_t{EPOLLIN}) | (wants_write_ ? std::uint32_t{EPOLLOUT} : 0U);
  if (events == watched_) return;
  watched_ = events;
  loop_->modify(transport_.fd(), *this, events);
}

void Connection::close() noexcept {
  if (!open()) return;
  loop_->remove(transport_.fd(), *this);
  transport_.close();
}

}  // namespace bixws::net

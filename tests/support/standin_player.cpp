// SPDX-License-Identifier: Apache-2.0
// The stand-in exchange's timeline: which frame goes to whom and when, and what goes wrong on the way.
#include <algorithm>
#include <cmath>

#include "support/standin_impl.h"

namespace bixws::test {

using Impl = StandinExchange::Impl;

namespace {

using Kind = Fault::Kind;

bool acts_on_frames(Kind kind) { return kind <= Kind::inject_raw; }

SteadyTime::duration seconds(double count) {
  return std::chrono::duration_cast<SteadyTime::duration>(std::chrono::duration<double>(count));
}

}  // namespace

void Impl::play(std::unique_lock<std::mutex>& lock) {
  while (!stopping_) {
    pulses();
    const SteadyTime now = std::chrono::steady_clock::now();
    const SteadyTime look_again = now + Milliseconds(200);
    if (!may_play()) {
      anchored_ = false;
      changed_.wait_until(lock, look_again);
    } else if (cursor_ == timeline_.frames.size()) {
      end_lap();
    } else if (const SteadyTime when = due(); when > now) {
      changed_.wait_until(lock, std::min(when, look_again));
    } else if (congested()) {
      changed_.wait_for(lock, Milliseconds(5));
    } else {
      deliver(timeline_.frames[cursor_]);
      changed_.notify_all();
      // At full speed nobody else would ever get the lock.
      if (played_ % 64 == 0) {
        lock.unlock();
        std::this_thread::yield();
        lock.lock();
      }
    }
  }
}

bool Impl::may_play() {
  if (ended_ || played_ >= allowed_) return false;
  if (played_ < deaf_until_) return true;
  const std::size_t listeners = count_listeners();
  if (!started_) {
    started_ =
        options_.run_on || (listeners >= options_.start_connections && count_symbols() >= options_.start_symbols);
  }
  return started_ && (options_.run_on || listeners > 0);
}

bool Impl::congested() const {
  return std::any_of(clients_.begin(), clients_.end(), [&](const Client& client) {
    return client.listens() && client.link->queued_bytes() > options_.queue_bytes;
  });
}

// After every stop the next frame is due at once; the ones after it keep their distance to it.
SteadyTime Impl::due() {
  const std::int64_t time_us = timeline_.frames[cursor_].time_us;
  if (!anchored_) {
    anchored_ = true;
    anchor_ = std::chrono::steady_clock::now();
    anchor_us_ = time_us;
    anchor_played_ = played_;
  }
  if (options_.rate > 0) return anchor_ + seconds(static_cast<double>(played_ - anchor_played_) / options_.rate);
  if (std::isinf(options_.speed)) return anchor_;
  return anchor_ + seconds(static_cast<double>(time_us - anchor_us_) / 1e6 / options_.speed);
}

std::size_t Impl::count_listeners() const {
  return static_cast<std::size_t>(
      std::count_if(clients_.begin(), clients_.end(), [](const Client& client) { return client.listens(); }));
}

std::size_t Impl::count_symbols() const {
  std::set<std::string> symbols;
  for (const auto& client : clients_) {
    for (const auto& subscription : client.session.subscriptions) {
      if (subscription.symbol.empty()) return market_.symbols.size();
      symbols.insert(subscription.symbol);
    }
  }
  return symbols.size();
}

void Impl::deliver(const TimelineFrame& frame) {
  const std::uint64_t number = ++played_;
  ++cursor_;
  market_.time_us = frame.time_us;
  const FrameMeaning& meaning = frame.meaning;
  if (meaning.kind == FrameMeaning::Kind::data) {
    market_.last[{meaning.channel, meaning.symbol}] = &frame;
    if (meaning.book_update || meaning.book_snapshot) venue_->apply(frame, market_.books[meaning.symbol]);
  }
  for (auto& script : script_) script.used = false;
  for (auto& client : clients_) {
    if (!client.link->takes_data()) continue;
    const bool gets_it = meaning.kind == FrameMeaning::Kind::greeting ||
                         (meaning.kind == FrameMeaning::Kind::heartbeat && !client.session.subscriptions.empty()) ||
                         (meaning.kind == FrameMeaning::Kind::data && venue_->wants(client.session, meaning));
    if (gets_it) deliver_to(client, frame, number);
  }
  for (auto& script : script_) {
    if (script.used) --script.left;
  }
  run_faults_of_connections(number);
  std::erase_if(script_, [](const Script& script) { return script.left == 0; });
}

bool Impl::hits(const Fault& fault, const Client& client, const FrameMeaning& meaning) {
  return (fault.connection < 0 || fault.connection == client.ordinal) &&
         (fault.symbol.empty() || fault.symbol == meaning.symbol) && meaning.channel.starts_with(fault.channel);
}

void Impl::deliver_to(Client& client, const TimelineFrame& frame, std::uint64_t number) {
  const FrameMeaning& meaning = frame.meaning;
  Link& link = *client.link;
  const std::string_view payload = venue_->dressed(client.session, frame);
  int copies = 1;
  bool swapped = false;
  const Fault* cut = nullptr;
  for (auto& script : script_) {
    const Fault& fault = script.fault;
    if (!acts_on_frames(fault.kind) || fault.at > number || script.left == 0 || !hits(fault, client, meaning)) continue;
    script.used = true;
    switch (fault.kind) {
      case Kind::skip:
        copies = 0;
        break;
      case Kind::duplicate:
        copies = 2;
        break;
      case Kind::swap:
        swapped = true;
        break;
      case Kind::inject_text:
        send_payload(client, fault.payload);
        break;
      case Kind::inject_raw:
        link.send(fault.payload, link.lag);
        break;
      default:
        cut = &fault;
    }
  }
  std::uint64_t& sent = connections_[static_cast<std::size_t>(client.ordinal)].frames;
  if (cut) {
    deaf_until_ = std::max(deaf_until_, number + cut->lose);
    link.send(ws_frame(WsOpcode::text, payload).substr(0, cut->bytes), link.lag,
              cut->kind == Kind::cut ? Link::After::finish : Link::After::reset);
    return;
  }
  if (copies == 0) {
    if (meaning.book_update) client.since[meaning.symbol] = number;
    return;
  }
  if (swapped && client.held.empty()) {
    client.held = payload;
    client.held_meaning = meaning;
    return;
  }
  for (int copy = 0; copy < copies; ++copy, ++sent) send_payload(client, payload);
  const bool same_kind = client.held_meaning.symbol == meaning.symbol && client.held_meaning.channel == meaning.channel;
  if (!client.held.empty() && same_kind) {
    send_payload(client, client.held);
    client.held.clear();
    ++sent;
  }
}

void Impl::send_payload(Client& client, std::string_view payload) {
  client.link->send_frame(WsOpcode::text, payload, client.link->lag);
}

void Impl::run_faults_of_connections(std::uint64_t number) {
  for (auto& script : script_) {
    if (acts_on_frames(script.fault.kind) || script.fault.at > number || script.left == 0) continue;
    script.left = 0;
    act(script.fault);
  }
}

void Impl::add(const Fault& fault) {
  if (fault.at == 0 && !acts_on_frames(fault.kind)) {
    act(fault);
  } else {
    script_.push_back({fault, fault.count});
  }
  changed_.notify_all();
}

void Impl::act(const Fault& fault) {
  deaf_until_ = std::max(deaf_until_, played_ + fault.lose);
  if (fault.kind == Kind::stop_listening) return stop_listening();
  for (auto& client : clients_) {
    if (fault.connection >= 0 && fault.connection != client.ordinal) continue;
    Link& link = *client.link;
    switch (fault.kind) {
      // What was played before still goes out, as it was on its way.
      case Kind::drop:
        link.send(std::string(), link.lag, Link::After::finish);
        break;
      case Kind::reset:
        link.send(std::string(), link.lag, Link::After::reset);
        break;
      case Kind::silence:
        link.go_silent();
        break;
      case Kind::close:
        link.send_frame(WsOpcode::close, ws_close_payload(static_cast<std::uint16_t>(fault.count), fault.payload),
                        link.lag);
        break;
      case Kind::ping:
        link.ping(fault.payload);
        break;
      case Kind::shutdown_notice:
        if (const auto notice = venue_->shutdown_notice(client.session); !notice.empty()) send_payload(client, notice);
        break;
      default:
        break;
    }
  }
}

void Impl::end_lap() {
  switch (options_.at_end) {
    case StandinOptions::AtEnd::stay:
      ended_ = true;
      break;
    case StandinOptions::AtEnd::close:
      ended_ = true;
      act({.kind = Kind::close, .count = 1000, .payload = "the capture is over"});
      break;
    case StandinOptions::AtEnd::loop:
      act({.kind = Kind::close, .count = 1001, .payload = "from the start"});
      for (auto& client : clients_) client.link->send(std::string(), client.link->lag, Link::After::finish);
      cursor_ = 0;
      ++laps_;
      started_ = false;
      market_ = timeline_.start;
      first_given_.clear();
  }
  changed_.notify_all();
}

void Impl::pulses() {
  if (!options_.pulse) return;
  const SteadyTime now = std::chrono::steady_clock::now();
  for (auto& client : clients_) {
    if (!client.listens() || now < client.next_pulse) continue;
    client.next_pulse = now + std::chrono::seconds(1);
    const bool idle = now - client.link->last_sent() > Milliseconds(900);
    for (const auto& payload : venue_->pulse(client.session, market_, idle)) send_payload(client, payload);
  }
}

}  // namespace bixws::test

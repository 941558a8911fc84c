// SPDX-License-Identifier: Apache-2.0
// Delivery: attempts, answers, waits.
#include "delivery.h"

#include <algorithm>
#include <chrono>

#include "model/time_text.h"

namespace bixws::webhook {
namespace {

constexpr Micros kLongestAskedWait = 3'600'000'000;

/// This message is refused, not every message: others need not wait for it.
bool concerns_this_one(int status) { return status == 400 || status == 413 || status == 422; }

}  // namespace

Delivery::Delivery(DeliveryOptions options, Outbox& outbox, Host& host)
    : options_(std::move(options)),
      outbox_(outbox),
      host_(host),
      backoff_(options_.first_wait, options_.longest_wait, static_cast<std::uint64_t>(host.now())) {
  thread_.run_inside([this] {
    client_.emplace(thread_.loop(), options_.http);
    timer_.emplace(thread_.loop(), [this] {
      paused_ = false;
      next();
    });
    next();
  });
}

void Delivery::stop() {
  if (!client_) return;
  thread_.run_inside([this] {
    client_.reset();
    timer_.reset();
  });
  thread_.stop();
}

void Delivery::wake() {
  {
    const std::lock_guard lock(mutex_);
    settled_ = failing_;
  }
  thread_.loop().post([this] {
    if (client_ && !client_->busy() && !current_ && !paused_) next();
  });
}

void Delivery::drain(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [this] { return settled_; });
}

void Delivery::idle(bool waiting) {
  {
    const std::lock_guard lock(mutex_);
    settled_ = true;
  }
  changed_.notify_all();
  if (waiting) paused_ = true;
}

/// The outbox is a file: it may be full, or gone. Then everything stops until the next try.
template <typename Action>
bool Delivery::with_outbox(Action&& action) {
  try {
    action();
    return true;
  } catch (const recording::RecordingError& e) {
    host_.log(LogLevel::error, std::string("outbox: ") + e.what());
    host_.count("outbox_errors", 1);
    current_.reset();
    idle(true);
    timer_->start(std::chrono::microseconds(options_.longest_wait));
    return false;
  }
}

void Delivery::give_up_old() {
  const std::int64_t dropped = outbox_.expire(host_.now() - options_.keep, options_.most);
  if (dropped == 0) return;
  host_.count("given_up", static_cast<std::uint64_t>(dropped));
  host_.log(LogLevel::error, std::to_string(dropped) + " alerts were given up: not delivered within " +
                                 format_duration(options_.keep) + ", or more than " + std::to_string(options_.most) +
                                 " waiting; is the receiver at " + options_.target.url.host_header() + " still there?");
}

void Delivery::next() {
  Micros next_due = 0;
  const bool read = with_outbox([&] { current_ = outbox_.begin(host_.now(), next_due); });
  if (!read) return;
  if (!current_) {
    idle(false);
    if (next_due != 0) {
      timer_->start(std::chrono::microseconds(std::max<Micros>(next_due - host_.now(), 1'000)));
    }
    return;
  }
  redirects_ = 0;
  send(call_of(*current_, options_.target, host_.now() / 1'000'000));
}

void Delivery::send(const net::HttpCall& call) {
  call_ = call;
  try {
    client_->start(call_, [this](const net::HttpReply& reply) { answered(reply); });
  } catch (const std::exception& e) {
    failed({}, e.what());
  }
}

void Delivery::answered(const net::HttpReply& reply) {
  if (reply.ok()) return done();
  if (!reply.failure && reply.status >= 300 && reply.status < 400) {
    const auto to = redirect_of(call_.url, reply);
    if (to && redirects_++ < kMostRedirects) {
      net::HttpCall call = call_;
      call.url = *to;
      return send(call);
    }
    const std::string* location = reply.headers.find("Location");
    return failed(reply, "redirected" + (location == nullptr ? std::string() : " to " + *location) +
                             ", which is not followed; if that is the receiver, put it into url=");
  }
  failed(reply, reply.text());
}

void Delivery::done() {
  const bool removed = with_outbox([&] { outbox_.delivered(current_->number); });
  if (!removed) return;
  host_.count("delivered", 1);
  current_.reset();
  backoff_.reset();
  if (failing_) host_.log(LogLevel::info, "delivers again");
  {
    const std::lock_guard lock(mutex_);
    failing_ = false;
  }
  next();
}

void Delivery::failed(const net::HttpReply& reply, const std::string& why) {
  host_.count("failed_attempts", 1);
  Micros wait = backoff_.next();
  const auto asked =
      reply.failure ? reply.failure->retry_after : net::retry_after(reply.headers, std::chrono::system_clock::now());
  if (asked) {
    wait = std::max(wait, std::min<Micros>(std::chrono::microseconds(*asked).count(), kLongestAskedWait));
  }
  const bool only_this = !reply.failure && concerns_this_one(reply.status);
  std::int64_t waiting = 0;
  const bool kept = with_outbox([&] {
    outbox_.postpone(current_->number, only_this ? host_.now() + wait : 0);
    give_up_old();
    waiting = outbox_.size();
  });
  if (!kept) return;
  const std::string text = why + "; " + std::to_string(waiting) + (waiting == 1 ? " alert waits" : " alerts wait") +
                           ", next try in " + format_duration(wait / 1000 * 1000);
  host_.log(failing_ ? LogLevel::debug : LogLevel::warning, "cannot deliver: " + text);
  current_.reset();
  if (only_this) return next();
  {
    const std::lock_guard lock(mutex_);
    failing_ = true;
  }
  idle(true);
  timer_->start(std::chrono::microseconds(wait));
}

}  // namespace bixws::webhook

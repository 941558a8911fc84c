// SPDX-License-Identifier: Apache-2.0
// What feeds and sinks are tested with: a listener that keeps everything, a clock that stands still.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "host/feed_host.h"
#include "host/log.h"
#include "hub/hub.h"
#include "model/event_json.h"
#include "model/instruments.h"
#include "support/wait.h"

namespace bixws::host {

class FixedClock final : public Clock {
 public:
  [[nodiscard]] Micros now() const noexcept override { return time; }
  std::atomic<Micros> time{1'000'000};
};

/// Keeps each event as its protocol message.
class Keeper final : public hub::Listener {
 public:
  void on_batch(const SharedBatch& batch, const market::Market&) override {
    const std::lock_guard lock(mutex_);
    for (const Event& event : batch->events()) {
      TextBuffer text;
      append_message(text, event, event.instrument->symbol);
      messages_.push_back(text.str());
    }
  }
  [[nodiscard]] std::vector<std::string> messages() const {
    const std::lock_guard lock(mutex_);
    return messages_;
  }
  [[nodiscard]] std::size_t count(const std::string& part) const {
    std::size_t found = 0;
    for (const std::string& message : messages()) found += message.find(part) != std::string::npos ? 1 : 0;
    return found;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> messages_;
};

/// Keeps log lines.
class LogKeeper {
 public:
  LogKeeper() {
    log.redirect([this](LogLevel level, std::string_view text) {
      const std::lock_guard lock(mutex_);
      lines_.push_back(std::string(name_of(level)) + " " + std::string(text));
    });
  }
  [[nodiscard]] std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  Log log{LogLevel::debug};

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

/// Everything a feed or sink lives among.
struct World {
  Instruments instruments;
  FixedClock clock;
  LogKeeper log;
  Counters counters;
  std::shared_ptr<Keeper> keeper = std::make_shared<Keeper>();
  hub::Hub hub;  // last: its thread reads the others until it is joined

  [[nodiscard]] Surroundings around() { return {hub, instruments, clock, log.log, counters}; }
};

}  // namespace bixws::host

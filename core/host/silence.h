// SPDX-License-Identifier: Apache-2.0
// SilenceWatch: rules see events only, so when a live market falls silent altogether this makes one: the feed's status
// again, with the silence as its reason. It is recorded as any status, so a replay finds the same silence.
#pragma once

#include <bixws/stop_signal.h>

#include <memory>
#include <string>
#include <thread>

#include "alerts/engine.h"
#include "host/feed_host.h"

namespace bixws::host {

class SilenceWatch {
 public:
  /// `exchange` is whose status is told. The hub's deriver is `engine`; all of `around` outlives this.
  SilenceWatch(std::shared_ptr<const alerts::Engine> engine, std::string exchange, const Surroundings& around);
  ~SilenceWatch() { stop(); }
  SilenceWatch(const SilenceWatch&) = delete;
  SilenceWatch& operator=(const SilenceWatch&) = delete;

  void start();
  /// Idempotent.
  void stop();

 private:
  void run();
  void look(const market::Market& market);

  std::shared_ptr<const alerts::Engine> engine_;
  std::string exchange_;
  Surroundings around_;
  StopSignal stop_;
  std::thread thread_;
};

}  // namespace bixws::host

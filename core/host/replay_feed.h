// SPDX-License-Identifier: Apache-2.0
// ReplayFeed: a recorded session as a feed of the pipeline.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "host/feed.h"
#include "host/feed_host.h"
#include "recording/replayer.h"

namespace bixws::host {

/// Makes the instruments of a session known, and answers the exchange whose symbols had plain names when it was
/// recorded. Throws RecordingError, ConfigError.
std::string know_instruments(const recording::PlaybackOptions& options, Instruments& instruments);

/// Consumers always hold it back: recorded events do not grow old.
class ReplayFeed final : public Feed {
 public:
  /// Throws RecordingError, ConfigError. The session's instruments are known afterwards. `with_alerts` false: those
  /// that were recorded are left out, because rules are tried anew. `on_disconnect`: as
  /// recording::ReplayTarget::disconnect.
  ReplayFeed(const recording::PlaybackOptions& options, const Surroundings& around, bool with_alerts,
             std::function<void()> on_disconnect);

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] bool held_back() const override { return true; }
  void start(OnEnd on_end) override;
  void stop() override { replayer_.stop(); }

  /// The exchange whose symbols had plain names when this was recorded.
  [[nodiscard]] const std::string& first_exchange() const { return first_exchange_; }
  [[nodiscard]] recording::Replayer& replayer() { return replayer_; }

 private:
  /// The hub, with or without the recorded alerts.
  class Target final : public recording::ReplayTarget {
   public:
    Target(hub::Hub& hub, bool with_alerts, std::function<void()> on_disconnect)
        : hub_(hub), with_alerts_(with_alerts), on_disconnect_(std::move(on_disconnect)) {}
    bool publish(std::unique_ptr<EventBatch> batch) override;
    void new_epoch() override { hub_.new_epoch(); }
    void disconnect() override { on_disconnect_(); }

   private:
    hub::Hub& hub_;
    bool with_alerts_;
    std::function<void()> on_disconnect_;
  };

  std::string name_ = "replay";
  std::string first_exchange_;
  Target target_;
  recording::Replayer replayer_;
};

}  // namespace bixws::host

// SPDX-License-Identifier: Apache-2.0
// ImportFeed: files that others recorded, as a feed of the pipeline.
#pragma once

#include <bixws/dialect.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "capture/capture.h"
#include "capture/capture_feed.h"
#include "capture/message_file.h"
#include "host/feed.h"
#include "host/feed_host.h"

namespace bixws::host {

struct ImportRequest {
  std::vector<std::string> files;
  capture::Format format = capture::Format::cryptofeed;
  /// On the feed's thread, now and then: how far it is, 0 to 1, and events so far.
  std::function<void(double share, std::uint64_t events)> progress;
};

class ImportFeed final : public Feed {
 public:
  /// `dialect` is null for files of messages. Throws CaptureError if a file cannot be opened.
  ImportFeed(std::string name, std::unique_ptr<Dialect> dialect, ImportRequest request, const Surroundings& around);
  ~ImportFeed() override { stop(); }

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] bool held_back() const override { return true; }
  void start(OnEnd on_end) override;
  void stop() override;

 private:
  void run();
  void run_capture();
  void run_messages();
  /// False: stop.
  bool publish(std::unique_ptr<EventBatch> batch, double share);

  std::string name_;
  ImportRequest request_;
  Surroundings around_;
  std::unique_ptr<capture::Capture> capture_;
  std::unique_ptr<capture::CaptureFeed> reader_;
  std::unique_ptr<capture::MessageFile> messages_;
  OnEnd on_end_;
  std::atomic<bool> stopping_{false};
  std::uint64_t events_ = 0;       // of any kind
  std::uint64_t market_data_ = 0;  // of those, what happened on a market
  std::thread thread_;
};

}  // namespace bixws::host

// SPDX-License-Identifier: Apache-2.0
// ImportFeed: reads as fast as the recorder writes.
#include "host/import_feed.h"

#include <utility>

namespace bixws::host {
namespace {

constexpr std::size_t kBatchEvents = 1024;

bool is_market_data(Kind kind) {
  return kind == Kind::ticker || kind == Kind::trades || kind == Kind::book || kind == Kind::candle;
}

}  // namespace

ImportFeed::ImportFeed(std::string name, std::unique_ptr<Dialect> dialect, ImportRequest request,
                       const Surroundings& around)
    : name_(std::move(name)), request_(std::move(request)), around_(around) {
  if (!dialect) {
    messages_ = std::make_unique<capture::MessageFile>(request_.files, around_.instruments);
    return;
  }
  capture_ = std::make_unique<capture::Capture>(request_.files, request_.format);
  reader_ = std::make_unique<capture::CaptureFeed>(
      std::move(dialect), name_, around_.instruments,
      [this](LogLevel level, std::string_view text) { around_.log.write(level, "import: " + std::string(text)); });
}

void ImportFeed::start(OnEnd on_end) {
  on_end_ = std::move(on_end);
  thread_ = std::thread([this] { run(); });
}

void ImportFeed::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void ImportFeed::run() {
  FeedEnd end;
  try {
    if (messages_) {
      run_messages();
    } else {
      run_capture();
    }
    if (market_data_ == 0 && !stopping_) {
      end.failed = true;
      end.reason = messages_ ? "there is no market data in these files"
                             : "no market data in " + std::to_string(reader_->frames()) +
                                   " frames; are they of another exchange than " + name_ + "?";
    }
  } catch (const capture::CaptureError& error) {
    end.failed = true;
    end.reason = error.what();
  }
  if (!stopping_) on_end_(end);
}

bool ImportFeed::publish(std::unique_ptr<EventBatch> batch, double share) {
  if (!batch || batch->empty()) return !stopping_;
  events_ += batch->size();
  for (const Event& event : std::as_const(*batch).events()) market_data_ += is_market_data(event.kind) ? 1U : 0U;
  if (request_.progress) request_.progress(share, events_);
  return around_.hub.publish(std::move(batch)) && !stopping_;
}

void ImportFeed::run_capture() {
  capture::Record record;
  for (std::size_t waiting = 1; capture_->next(record); ++waiting) {
    reader_->take(record);
    if (waiting % kBatchEvents == 0 && !publish(reader_->events(), capture_->share())) return;
  }
  reader_->finish();
  publish(reader_->events(), 1);
}

void ImportFeed::run_messages() {
  auto batch = std::make_unique<EventBatch>();
  while (messages_->next(*batch)) {
    if (batch->size() < kBatchEvents) continue;
    if (!publish(std::exchange(batch, std::make_unique<EventBatch>()), messages_->share())) return;
  }
  publish(std::move(batch), 1);
}

}  // namespace bixws::host

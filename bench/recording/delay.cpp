// SPDX-License-Identifier: Apache-2.0
// What recording costs the hub: how long a batch takes from the feed to the listener after the recorder.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "figures.h"
#include "hub/hub.h"
#include "model/clock.h"
#include "recording/recorder.h"

namespace bixws::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kRate = 50'000;
constexpr auto kPace = std::chrono::milliseconds(2);

/// Notes when each batch has passed everybody before it.
class Last final : public hub::Listener {
 public:
  explicit Last(std::size_t batches) : passed_(batches) {}
  void on_batch(const SharedBatch&, const market::Market&) override {
    const std::size_t at = count_.load(std::memory_order_relaxed);
    if (at < passed_.size()) passed_[at] = Clock::now();
    count_.store(at + 1, std::memory_order_release);
  }
  std::vector<Clock::time_point> passed_;
  std::atomic<std::size_t> count_{0};
};

struct Case {
  const char* name;
  bool record, read;
};

void run(const Case& what, const Options& options, const Traffic& traffic) {
  const std::string path = options.folder + "/delay.db";
  remove_recording(path);
  const std::size_t each = static_cast<std::size_t>(kRate * std::chrono::duration<double>(kPace).count());
  const std::size_t batches = 5'000;  // ten seconds
  Instruments& instruments = *traffic.instruments;
  const SystemClock clock;
  hub::Hub hub;
  std::shared_ptr<recording::Recorder> recorder;
  if (what.record) {
    recording::RecorderOptions recorder_options;
    recorder_options.session.path = path;
    recorder = std::make_shared<recording::Recorder>(std::move(recorder_options), instruments, clock);
    hub.attach(recorder);
  }
  const auto last = std::make_shared<Last>(batches);
  hub.attach(last);
  hub.start();

  std::atomic<bool> done{false};
  std::size_t queries = 0;
  std::thread reader([&] {
    while (what.read && !done) {
      recording::Database database(path, recording::Database::Access::read);
      database.integer("SELECT count(*) + sum(price * size) FROM v_trades");
      ++queries;
    }
  });
  std::vector<Clock::time_point> sent(batches);
  std::size_t at = 0;
  std::size_t within = 0;
  const auto begin = Clock::now();
  for (std::size_t i = 0; i < batches; ++i) {
    std::this_thread::sleep_until(begin + kPace * static_cast<int>(i));
    auto batch = std::make_unique<EventBatch>();
    while (batch->size() < each) {
      const auto& events = traffic.batches[at]->events();
      if (within == events.size()) {
        within = 0;
        at = (at + 1) % traffic.batches.size();
        continue;
      }
      batch->append(events[within++]);
    }
    const Micros now = clock.now();
    for (Event& event : batch->events()) event.recv_ts = now;
    sent[i] = Clock::now();
    hub.publish(std::move(batch));
  }
  hub.drain();
  done = true;
  reader.join();
  hub.stop();
  if (recorder) recorder->finish();
  std::vector<double> delays;
  for (std::size_t i = 0; i < batches; ++i) {
    delays.push_back(std::chrono::duration<double, std::milli>(last->passed_[i] - sent[i]).count());
  }
  std::sort(delays.begin(), delays.end());
  std::printf("%-44s %9.3f %9.3f %9.3f %9zu\n", what.name, delays[delays.size() / 2], delays[delays.size() * 99 / 100],
              delays.back(), queries);
  remove_recording(path);
}

}  // namespace

int bench_delay(const Options& options) {
  Options small = options;
  small.messages = std::min<std::size_t>(options.messages, 200'000);
  const Traffic traffic = coinbase_traffic(small, false);
  std::printf("\n50,000 events/s for ten seconds through the hub: milliseconds from the feed past the recorder\n");
  std::printf("%-44s %9s %9s %9s %9s\n", "", "p50", "p99", "worst", "queries");
  run({"no recorder", false, false}, small, traffic);
  run({"recorded", true, false}, small, traffic);
  run({"recorded, and a reader aggregating all along", true, true}, small, traffic);
  return 0;
}

}  // namespace bixws::bench

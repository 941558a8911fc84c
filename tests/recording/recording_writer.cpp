// SPDX-License-Identifier: Apache-2.0
// Records a made-up market at a given rate until it is told to stop, or killed, and says on stdout what is on the
// disk: {"session_id":..,"seq":..,"recv_ts":..,"sent":..} after each commit. SIGTERM ends it cleanly.
//   recording_writer FILE EVENTS_PER_SECOND [SEED [BYTE_LIMIT]]
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "hub/hub.h"
#include "recording/random_events.h"
#include "recording/recorder.h"

namespace {

std::atomic<bool> stop_wanted{false};
void on_signal(int) { stop_wanted = true; }

}  // namespace

int main(int argc, char** argv) {
  using namespace bixws;
  if (argc < 3) {
    std::fprintf(stderr, "usage: recording_writer FILE EVENTS_PER_SECOND [SEED [BYTE_LIMIT]]\n");
    return 2;
  }
  const double rate = std::strtod(argv[2], nullptr);
  const std::uint64_t seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1;
  if (argc > 4) {
    const rlim_t limit = std::strtoull(argv[4], nullptr, 10);
    const rlimit both{limit, limit};
    setrlimit(RLIMIT_FSIZE, &both);
  }
  std::signal(SIGTERM, on_signal);
  try {
    Instruments instruments;
    test::RandomEvents::Options how;
    how.nasty = false;
    test::RandomEvents random(instruments, seed, how);
    std::atomic<std::uint64_t> sent{0};
    recording::RecorderOptions options;
    options.session.path = argv[1];
    options.session.feeds = "someex";
    options.session.version = "test";
    options.session.raw = true;
    options.retry_interval = std::chrono::milliseconds(50);
    options.on_commit = [&](const recording::Committed& committed) {
      std::printf("{\"type\":\"committed\",\"session_id\":%lld,\"seq\":%llu,\"recv_ts\":%lld,\"sent\":%llu}\n",
                  static_cast<long long>(committed.session), static_cast<unsigned long long>(committed.seq),
                  static_cast<long long>(committed.recv_ts), static_cast<unsigned long long>(sent.load()));
      std::fflush(stdout);
    };
    options.on_problem = [](const std::string& problem) { std::fprintf(stderr, "problem: %s\n", problem.c_str()); };
    options.on_recovered = [] { std::fprintf(stderr, "recovered\n"); };
    const SystemClock clock;
    const auto recorder = std::make_shared<recording::Recorder>(std::move(options), instruments, clock);
    hub::Hub hub;
    hub.attach(recorder);
    hub.start();
    const auto begin = std::chrono::steady_clock::now();
    // What is sent in each moment follows from the time, so the rate is kept however long a step takes.
    while (!stop_wanted) {
      const double passed = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      const auto due = static_cast<std::uint64_t>(passed * rate);
      if (due > sent) {
        const std::uint64_t count = due - sent;
        auto batch = random.batch(count);
        // When the hub got it, so that what is missing after a crash can be told in milliseconds.
        for (Event& event : batch->events()) event.recv_ts = clock.now();
        hub.publish(std::move(batch));
        sent += count;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    hub.stop();
    const bool done = recorder->finish();
    std::printf("{\"type\":\"stopped\",\"recorded\":%llu,\"dropped\":%llu,\"sent\":%llu}\n",
                static_cast<unsigned long long>(recorder->state().recorded),
                static_cast<unsigned long long>(recorder->state().dropped),
                static_cast<unsigned long long>(sent.load()));
    return done ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

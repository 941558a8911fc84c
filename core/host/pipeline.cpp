// SPDX-License-Identifier: Apache-2.0
// Pipeline: builds the rooms in the order data flows through them, runs, and stops them in the same order.
#include "host/pipeline.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <mutex>

#include "host/counters.h"
#include "host/feed_host.h"
#include "host/signals.h"
#include "host/sink_host.h"
#include "host/symbols.h"
#include "hub/hub.h"
#include "model/clock.h"
#include "model/config_error.h"
#include "model/instruments.h"

namespace bixws::host {
namespace {

constexpr std::uint32_t kUsualChannels =
    1U << static_cast<unsigned>(Channel::ticker) | 1U << static_cast<unsigned>(Channel::trades) |
    1U << static_cast<unsigned>(Channel::book) | 1U << static_cast<unsigned>(Channel::candle);

class Pipeline {
 public:
  Pipeline(const PipelineOptions& options, Registry& registry, Log& log);
  int run();

 private:
  void add_feed(const Spec& spec, const std::vector<std::string>& symbols, Registry& registry);
  void add_sink(const Spec& spec, Registry& registry);
  void feed_ended(const std::string& name, const FeedEnd& end);
  void wait();

  const PipelineOptions& options_;
  Log& log_;
  Signals signals_;  // before any thread
  SystemClock clock_;
  Instruments instruments_;
  Counters counters_;
  hub::Hub hub_;
  std::vector<std::unique_ptr<Feed>> feeds_;
  std::vector<std::shared_ptr<SinkHost>> sinks_;

  std::mutex mutex_;
  StopSignal over_;  // nothing more will come
  std::size_t feeds_running_ = 0;
  int exit_code_ = 0;
};

Pipeline::Pipeline(const PipelineOptions& options, Registry& registry, Log& log) : options_(options), log_(log) {
  std::vector<Spec> specs;
  std::vector<std::string> names;
  for (const std::string& text : options.feeds) {
    specs.push_back(parse_spec(text));
    if (std::find(names.begin(), names.end(), specs.back().name) != names.end()) {
      throw ConfigError("feed " + specs.back().name + " is given twice");
    }
    names.push_back(specs.back().name);
    registry.load("feed", names.back());  // before symbols are looked at: "--feed binanc" is the likelier mistake
  }
  const auto symbols = assign_symbols(options.symbols, names);
  for (std::size_t i = 0; i < specs.size(); ++i) add_feed(specs[i], symbols[i], registry);
  for (const std::string& text : options.sinks) add_sink(parse_spec(text), registry);
}

void Pipeline::add_feed(const Spec& spec, const std::vector<std::string>& symbols, Registry& registry) {
  const Descriptor& plugin = registry.load("feed", spec.name);
  const std::string owner = "feed " + spec.name;
  const SpecSettings settings(spec, {owner,
                                     {plugin.options, plugin.option_count},
                                     symbols,
                                     options_.channels != 0 ? options_.channels : kUsualChannels});
  for (const std::string& secret : settings.secrets()) log_.hide(secret);
  Error error{};
  const Surroundings around{hub_, instruments_, clock_, log_, counters_};
  if (plugin.make_source != nullptr) {
    std::unique_ptr<FeedSource> source(plugin.make_source(settings, error));
    if (source == nullptr) throw ConfigError(owner + ": " + error.text);
    feeds_.push_back(std::make_unique<FeedHost>(spec.name, std::move(source), around));
  } else {
    throw ConfigError(owner + ": dialects are not run yet");
  }
}

void Pipeline::add_sink(const Spec& spec, Registry& registry) {
  const Descriptor& plugin = registry.load("sink", spec.name);
  const std::string owner = "sink " + spec.name;
  const SpecSettings settings(spec, {owner, {plugin.options, plugin.option_count}, {}, kUsualChannels});
  for (const std::string& secret : settings.secrets()) log_.hide(secret);
  Error error{};
  std::unique_ptr<Sink> sink(plugin.make_sink(settings, error));
  if (sink == nullptr) throw ConfigError(owner + ": " + error.text);
  SinkHost::Options options;
  options.hold_back = std::any_of(feeds_.begin(), feeds_.end(), [](const auto& feed) { return feed->held_back(); });
  const Surroundings around{hub_, instruments_, clock_, log_, counters_};
  sinks_.push_back(std::make_shared<SinkHost>(spec.name, std::move(sink), around, options, [this](const std::string&) {
    const std::lock_guard lock(mutex_);
    exit_code_ = 1;
  }));
  hub_.attach(sinks_.back());
}

void Pipeline::feed_ended(const std::string& name, const FeedEnd& end) {
  const std::lock_guard lock(mutex_);
  if (end.failed) {
    log_.write(LogLevel::error, "feed " + name + ": " + end.reason);
    exit_code_ = end.refused ? 2 : 1;
  }
  if (--feeds_running_ == 0) over_.set();
}

int Pipeline::run() {
  for (const auto& sink : sinks_) {
    if (!sink->start()) exit_code_ = 1;
  }
  if (exit_code_ == 0) {
    hub_.start();
    feeds_running_ = feeds_.size();
    for (const auto& feed : feeds_) {
      feed->start([this, name = feed->name()](const FeedEnd& end) { feed_ended(name, end); });
    }
    wait();
  }
  // In the direction of the data, so that everything that came in also goes out.
  for (const auto& feed : feeds_) feed->stop();
  hub_.stop();
  for (const auto& sink : sinks_) sink->on_stop();
  for (const auto& sink : sinks_) sink->finish();
  return exit_code_;
}

void Pipeline::wait() {
  using std::chrono::steady_clock;
  const auto deadline = steady_clock::now() + std::chrono::microseconds(options_.duration);
  for (;;) {
    pollfd fds[] = {{signals_.fd(), POLLIN, 0}, {over_.fd(), POLLIN, 0}};
    int timeout = -1;
    if (options_.duration > 0) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
      if (left <= 0) return;
      timeout = static_cast<int>(std::min<std::int64_t>(left, 3'600'000));
    }
    if (::poll(fds, 2, timeout) > 0) return;
  }
}

}  // namespace

int run_pipeline(const PipelineOptions& options, Registry& registry, Log& log) {
  return Pipeline(options, registry, log).run();
}

}  // namespace bixws::host

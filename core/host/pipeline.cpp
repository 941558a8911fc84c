// SPDX-License-Identifier: Apache-2.0
// Pipeline: builds the rooms in the order data flows through them, runs, and stops them in the same order.
#include "host/pipeline.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <mutex>
#include <thread>

#include "host/alert_rules.h"
#include "host/counters.h"
#include "host/dialect_feed.h"
#include "host/feed_host.h"
#include "host/host_metrics.h"
#include "host/plugin_traits.h"
#include "host/private_replay.h"
#include "host/recorded_past.h"
#include "host/remote_server.h"
#include "host/replay_control.h"
#include "host/replay_feed.h"
#include "host/service_manager.h"
#include "host/signals.h"
#include "host/silence.h"
#include "host/sink_host.h"
#include "host/spec.h"
#include "host/symbols.h"
#include "hub/hub.h"
#include "model/clock.h"
#include "model/config_error.h"
#include "model/instruments.h"
#include "recording/recorder.h"
#include "server/server.h"

namespace bixws::host {
namespace {

constexpr std::uint32_t kUsualChannels =
    1U << static_cast<unsigned>(Channel::ticker) | 1U << static_cast<unsigned>(Channel::trades) |
    1U << static_cast<unsigned>(Channel::book) | 1U << static_cast<unsigned>(Channel::candle);

/// Where whoever takes the events holds back whoever makes them, little has to wait between the two.
constexpr std::size_t kHeldBackAhead = std::size_t{1} << 20;

hub::Hub::Options hub_options(const PipelineOptions& options) {
  hub::Hub::Options made;
  if (options.replay || !options.server) made.queue_bytes = kHeldBackAhead;
  return made;
}

class Pipeline {
 public:
  Pipeline(const PipelineOptions& options, Registry& registry, Log& log);
  int run();

 private:
  void add_feeds(Registry& registry);
  void add_feed(const Spec& spec, const std::string& name, const std::vector<std::string>& symbols, Registry& registry);
  void add_replay(const recording::PlaybackOptions& replay);
  void add_remote(const RemoteRequest& remote);
  void add_import(const ImportRequest& import, Registry& registry);
  void add_recorder(const RecordRequest& request);
  void add_sink(const Spec& spec, Registry& registry);
  void add_alerts();
  [[nodiscard]] Surroundings around() { return {hub_, instruments_, clock_, log_, counters_}; }
  [[nodiscard]] std::function<void(std::string_view)> to_log() {
    return [this](std::string_view text) { log_.write(LogLevel::info, text); };
  }
  [[nodiscard]] bool held_back() const;
  void add_server(server::Options options);
  [[nodiscard]] bool start_outputs();
  void start_attendant();
  void wait_for_clients();
  void cut_clients();
  void start_feeds();
  void wait();
  void finish();
  [[nodiscard]] bool complete();
  void feed_ended(const std::string& name, const FeedEnd& end);
  void fail(int exit_code);

  const PipelineOptions& options_;
  Log& log_;
  Signals signals_;  // before any thread
  SystemClock clock_;
  Instruments instruments_;
  Counters counters_;
  hub::Hub hub_;
  std::vector<std::unique_ptr<Feed>> feeds_;
  ReplayFeed* replay_ = nullptr;  // one of feeds_
  std::string first_exchange_;
  std::string feeds_text_;              // for the recording; without secrets
  std::unique_ptr<RecordedPast> past_;  // before whoever tells it of commits, and whoever asks it
  std::unique_ptr<server::Server> server_;
  std::shared_ptr<recording::Recorder> recorder_;
  std::vector<std::shared_ptr<SinkHost>> sinks_;
  std::shared_ptr<alerts::Engine> alerts_;
  std::unique_ptr<SilenceWatch> silence_;

  std::thread attendant_;
  StopSignal attended_;  // the attendant has left
  StopSignal over_;      // nothing more will come
  StopSignal ready_;     // one more client is ready
  StopSignal stopping_;
  ServiceManager manager_;  // after what its thread uses
  std::mutex mutex_;        // guards what follows
  std::size_t feeds_running_ = 0;
  bool ended_by_itself_ = false;
  int exit_code_ = 0;
  std::string refusal_;
};

Pipeline::Pipeline(const PipelineOptions& options, Registry& registry, Log& log)
    : options_(options), log_(log), hub_(hub_options(options)) {
  if (options.replay) {
    add_replay(*options.replay);
  } else if (options.remote) {
    add_remote(*options.remote);
  } else if (options.import) {
    add_import(*options.import, registry);
  } else {
    add_feeds(registry);
  }
  if (!options.alerts.empty()) add_alerts();
  for (const std::string& text : options.sinks) add_sink(parse_spec(text), registry);
  // Before the recording is opened: a port in use must not leave an empty session in it.
  if (options.server) add_server(*options.server);
  if (options.record) add_recorder(*options.record);
  // Who has connected meanwhile waits: a page is about all of the above.
  if (server_) server_->start();
}

void Pipeline::add_feeds(Registry& registry) {
  std::vector<Spec> specs;
  std::vector<SymbolTaker> feeds;
  for (const std::string& text : options_.feeds) {
    specs.push_back(parse_spec(text));
    const std::string name = take_feed_name(specs.back());
    if (std::any_of(feeds.begin(), feeds.end(), [&](const SymbolTaker& feed) { return feed.name == name; })) {
      throw ConfigError("feed " + name + " is given twice; as=NAME gives one of them another name");
    }
    // Before symbols are looked at: "--feed binanc" is the likelier mistake.
    const Descriptor& plugin = registry.load("feed", specs.back().name);
    feeds.push_back({name, (traits_of(plugin) & kRelaysExchanges) != 0});
  }
  if (feeds.empty()) throw ConfigError("no feed is given; see --feed");
  const auto symbols = assign_symbols(options_.symbols, feeds);
  // The first feed's exchange; one that relays says later whose symbols are plain.
  if (!feeds.front().relays) first_exchange_ = feeds.front().name;
  for (std::size_t i = 0; i < specs.size(); ++i) add_feed(specs[i], feeds[i].name, symbols[i], registry);
}

void Pipeline::add_feed(const Spec& spec, const std::string& name, const std::vector<std::string>& symbols,
                        Registry& registry) {
  const Descriptor& plugin = registry.load("feed", spec.name);
  const std::string owner = "feed " + name;
  const std::uint32_t channels = options_.channels != 0 ? options_.channels : kUsualChannels;
  const SpecSettings settings(spec, {owner, {plugin.options, plugin.option_count}, symbols, channels});
  for (const std::string& secret : settings.secrets()) log_.hide(secret);
  feeds_text_ += (feeds_text_.empty() ? "" : " ") + (settings.secrets().empty() ? text_of(spec) : spec.name);
  if (name != spec.name) feeds_text_ += (spec.values.empty() ? ":as=" : ",as=") + name;
  Error error{};
  if (plugin.make_source != nullptr) {
    std::unique_ptr<FeedSource> source(plugin.make_source(settings, error));
    if (source == nullptr) throw ConfigError(owner + ": " + error.text);
    const bool relays = (traits_of(plugin) & kRelaysExchanges) != 0;
    FeedHost::Options host;
    host.passes_numbers = relays && options_.feeds.size() == 1;
    if (relays && options_.record) host.last_place = recording::last_place(options_.record->path, name);
    if (relays && feeds_.empty()) {
      host.on_plain_exchange = [this](std::string_view exchange) {
        if (server_) server_->set_first_exchange(std::string(exchange));
      };
    }
    for (const std::string& symbol : relays ? std::vector<std::string>() : symbols) {
      instruments_.get(name, symbol);  // clients may ask for it at once
    }
    feeds_.push_back(std::make_unique<FeedHost>(name, std::move(source), around(), std::move(host)));
    return;
  }
  std::unique_ptr<Dialect> dialect(plugin.make_dialect(settings, error));
  if (dialect == nullptr) throw ConfigError(owner + ": " + error.text);
  DialectFeed::Options feed;
  feed.symbols = symbols;
  feed.channels = channels;
  feed.connections = static_cast<unsigned>(std::clamp<std::int64_t>(settings.integer("connections"), 1, 4));
  feed.raw = options_.record && options_.record->raw;
  // One exchange must have what is asked for. Of several each has its own part of it.
  feed.symbols_must_exist = !options_.symbols.empty() && options_.feeds.size() == 1;
  feeds_.push_back(std::make_unique<DialectFeed>(name, std::move(dialect), std::move(feed), around()));
}

void Pipeline::add_replay(const recording::PlaybackOptions& replay) {
  recording::PlaybackOptions told = replay;
  told.log = to_log();
  auto feed = std::make_unique<ReplayFeed>(told, around(), options_.alerts.empty(), [this] { cut_clients(); });
  first_exchange_ = feed->first_exchange();
  replay_ = feed.get();
  feeds_.push_back(std::move(feed));
}

void Pipeline::add_remote(const RemoteRequest& remote) {
  log_.hide(remote.server.token);
  auto feed = std::make_unique<RemoteServer>(remote.server, options_.symbols, remote.channels, around());
  feeds_text_ = feed->name();  // no first exchange: the recorder takes the first one it sees
  feeds_.push_back(std::move(feed));
}

void Pipeline::add_import(const ImportRequest& import, Registry& registry) {
  if (options_.feeds.empty()) {
    feeds_.push_back(std::make_unique<ImportFeed>("import", nullptr, import, around()));
    feeds_text_ = "file://" + import.files.front();
    return;  // no first exchange: the recorder takes the first one it sees
  }
  const Spec spec = parse_spec(options_.feeds.front());
  const Descriptor& plugin = registry.load("feed", spec.name);
  const std::string owner = "feed " + spec.name;
  if (plugin.make_dialect == nullptr)
    throw ConfigError(owner + " reads no exchange's frames; import needs one that does");
  const SpecSettings settings(spec, {owner, {plugin.options, plugin.option_count}, {}, kUsualChannels});
  Error error{};
  std::unique_ptr<Dialect> dialect(plugin.make_dialect(settings, error));
  if (dialect == nullptr) throw ConfigError(owner + ": " + error.text);
  feeds_text_ = spec.name;
  first_exchange_ = spec.name;
  feeds_.push_back(std::make_unique<ImportFeed>(spec.name, std::move(dialect), import, around()));
}

void Pipeline::add_server(server::Options options) {
  options.first_exchange = first_exchange_;
  options.hold_back = held_back();
  options.version = options_.version;
  options.log = to_log();
  options.health = [this] {
    std::vector<std::string> reasons;
    if (recorder_ && recorder_->state().failing) reasons.push_back("recording: " + recorder_->state().problem);
    return reasons;
  };
  options.metrics = [this] { return host_metrics(counters_, feeds_, recorder_.get(), sinks_, alerts_.get()); };
  if (replay_ != nullptr) {
    options.replay = [this](const server::ReplayRequest& request) {
      return control_replay(replay_->replayer(), request);
    };
    options.chaos = options_.replay->chaos;
    options.stream = [this](std::string_view path, const net::Query& query) {
      return recording_stream(*options_.replay, path, query);
    };
    options.private_replay = [this](const net::Query& query, server::StreamRefusal& refusal) {
      recording::PlaybackOptions served = *options_.replay;
      served.log = to_log();
      return private_replay(served, query, instruments_, refusal);
    };
  }
  if (options_.wait_clients > 0) options.on_ready = [this] { ready_.set(); };
  if (replay_ != nullptr) {
    past_ = RecordedPast::of_replay(options_.replay->path, replay_->replayer().position().session);
  } else if (options_.record) {
    past_ = RecordedPast::of_live();
  }
  if (past_) options.history = [this](const HistoryQuery& query) { return past_->read(query); };
  for (const std::string& token : options.tokens) log_.hide(token);
  const bool reloadable = !options.token_file.empty() || !options.tls_cert.empty();
  server_ = std::make_unique<server::Server>(hub_, instruments_, std::move(options));
  if (const std::string warning = server_->warning(); !warning.empty()) log_.write(LogLevel::warning, warning);
  server_->listen();
  if (!reloadable) {
    // For a terminal that is gone a hangup ends it; a service manager asks to reload.
    if (manager_.present()) {
      signals_.on_hangup(
          [this] { log_.write(LogLevel::info, "nothing to read again: no token file, no certificate"); });
    }
    return;
  }
  signals_.on_hangup([this] {
    try {
      server_->reload();
      log_.write(LogLevel::info, "tokens and certificate were read again");
    } catch (const std::exception& e) {
      log_.write(LogLevel::error, std::string("kept the old tokens and certificate: ") + e.what());
    }
  });
}

void Pipeline::add_recorder(const RecordRequest& request) {
  recording::RecorderOptions options;
  options.session.path = request.path;
  if (!request.literal_path) {
    recording::FileNames names(request.path, request.rotation.value_or(recording::Rotation{}));
    if (names.rotates()) options.names = std::move(names);
  }
  options.session.feeds = feeds_text_;
  options.session.first_feed = first_exchange_;
  options.session.version = options_.version;
  options.session.now = clock_.now();
  if (request.channels != 0) options.session.channels = request.channels;
  options.session.raw = request.raw;
  // Frames are text, which zstd's fastest level packs as well as the usual one, in two thirds of the time.
  if (request.raw) options.session.level = 1;
  options.session.sql_books = request.sql_books;
  options.session.whole = request.whole;
  // Without clients to serve in time, a burst is better read a little later than not recorded.
  options.hold_back = held_back() || !options_.server;
  // Used on the recorder's thread only.
  auto file = std::make_shared<std::string>();
  options.on_commit = [this, file, on_commit = request.on_commit](const recording::Committed& committed) {
    if (past_) past_->committed(committed.recv_ts);
    if (on_commit) on_commit(committed, *file);
  };
  options.on_file = [this, file, rotates = options.names.has_value()](const std::string& path) {
    *file = path;
    if (past_) past_->in_file(path);
    if (rotates) log_.write(LogLevel::info, "recording into " + path);
  };
  options.on_no_file = [this](const std::string& why) {
    log_.write(LogLevel::error, "recording: cannot begin the next file: " + why + "; the present one goes on");
  };
  options.on_problem = [this, whole = request.whole](const std::string& why) {
    if (whole) {
      log_.write(LogLevel::error, why);
      fail(1);
      over_.set();
      return;
    }
    log_.write(LogLevel::error, "recording: " + why + "; events wait in memory, and it is tried again every second");
  };
  options.on_recovered = [this] { log_.write(LogLevel::info, "recording: writing again"); };
  recorder_ = std::make_shared<recording::Recorder>(std::move(options), instruments_, clock_);
  hub_.attach(recorder_);
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
  options.hold_back = held_back();
  options.keeps_alerts = (traits_of(plugin) & kKeepsAlerts) != 0;
  options.plain_exchange = first_exchange_;
  sinks_.push_back(std::make_shared<SinkHost>(spec.name, std::move(sink), around(), options,
                                              [this](const std::string&) { fail(1); }));
  hub_.attach(sinks_.back());
}

void Pipeline::add_alerts() {
  alerts_ = std::make_shared<alerts::Engine>(parse_alert_rules(options_.alerts));
  hub_.set_deriver(alerts_);
  // In a replay, time is what was recorded.
  if (replay_ == nullptr) silence_ = std::make_unique<SilenceWatch>(alerts_, first_exchange_, around());
}

bool Pipeline::held_back() const {
  return std::any_of(feeds_.begin(), feeds_.end(), [](const auto& feed) { return feed->held_back(); });
}

void Pipeline::fail(int exit_code) {
  const std::lock_guard lock(mutex_);
  if (exit_code_ == 0) exit_code_ = exit_code;
}

void Pipeline::feed_ended(const std::string& name, const FeedEnd& end) {
  if (end.failed && !end.refused) {
    log_.write(LogLevel::error, "feed " + name + ": " + end.reason);
    fail(1);
  }
  const std::lock_guard lock(mutex_);
  if (end.refused && refusal_.empty()) refusal_ = end.reason;
  if (--feeds_running_ == 0) ended_by_itself_ = true;
  if (ended_by_itself_ || end.refused) over_.set();
}

int Pipeline::run() {
  try {
    if (start_outputs()) {
      start_attendant();
      wait_for_clients();
      start_feeds();
      // Alive is who still does what passes through the hub.
      manager_.ready([this] { hub_.post([this](market::Market&) { manager_.alive(); }); });
      wait();
    }
  } catch (...) {
    finish();
    throw;
  }
  finish();
  if (!refusal_.empty()) throw ConfigError(refusal_);
  return exit_code_;
}

bool Pipeline::start_outputs() {
  hub_.start();  // first: whatever fails below, finish() waits for the hub
  for (const auto& sink : sinks_) {
    if (!sink->start()) {
      fail(1);
      return false;
    }
  }
  if (server_ && !options_.attend) std::fprintf(stderr, "listening on %s\n", server_->url().c_str());
  return true;
}

void Pipeline::start_attendant() {
  if (!options_.attend) return;
  attendant_ = std::thread([this] {
    const int code = options_.attend(server_->url(), signals_.fd());
    if (code != 0) fail(code);
    attended_.set();
  });
}

void Pipeline::wait_for_clients() {
  if (!server_ || options_.wait_clients == 0) return;
  while (server_->ready_clients() < options_.wait_clients) {
    pollfd fds[] = {
        {signals_.fd(), POLLIN, 0}, {attended_.fd(), POLLIN, 0}, {stopping_.fd(), POLLIN, 0}, {ready_.fd(), POLLIN, 0}};
    if (::poll(fds, 4, -1) <= 0) continue;
    if (fds[0].revents != 0 || fds[1].revents != 0 || fds[2].revents != 0) return;
    ready_.clear();
  }
  server_->settle();  // what the first ones have asked meanwhile comes first, too
  hub_.drain();
}

/// Chaos, on the replay's thread: it goes on once so many are there again as it had waited for at its start.
void Pipeline::cut_clients() {
  if (!server_) return;
  hub_.drain();
  server_->cut_clients();
  wait_for_clients();
}

void Pipeline::start_feeds() {
  feeds_running_ = feeds_.size();
  if (silence_) silence_->start();
  for (const auto& feed : feeds_) {
    feed->start([this, name = feed->name()](const FeedEnd& end) { feed_ended(name, end); });
  }
}

void Pipeline::wait() {
  using std::chrono::steady_clock;
  const auto deadline = steady_clock::now() + std::chrono::microseconds(options_.duration);
  for (;;) {
    pollfd fds[] = {{signals_.fd(), POLLIN, 0}, {over_.fd(), POLLIN, 0}, {attended_.fd(), POLLIN, 0}};
    int timeout = -1;
    if (options_.duration > 0) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
      if (left <= 0) return;
      timeout = static_cast<int>(std::min<std::int64_t>(left, 3'600'000));
    }
    if (::poll(fds, 3, timeout) > 0) return;
  }
}

/// Everything there was has come, and nothing went wrong.
bool Pipeline::complete() {
  const std::lock_guard lock(mutex_);
  if (!ended_by_itself_ && exit_code_ == 0) {
    log_.write(LogLevel::error, "interrupted; nothing was kept");
    exit_code_ = 1;
  }
  return exit_code_ == 0;
}

void Pipeline::finish() {
  // In the direction of the data, so that everything that came in also goes out.
  stopping_.set();
  manager_.stopping();
  {
    const std::lock_guard lock(mutex_);
    if (server_ && !ended_by_itself_) server_->hurry();
  }
  for (const auto& feed : feeds_) feed->stop();
  if (silence_) silence_->stop();
  if (server_) {
    hub_.drain();
    if (ended_by_itself_) {
      server_->finish();
    } else {
      server_->stop();
    }
  }
  if (attendant_.joinable()) attendant_.join();  // a screen may show the end for as long as somebody looks
  // Before the hub stops: its last word to the recorder is to finish.
  const bool keep = !recorder_ || !options_.record->whole || complete();
  if (!keep) recorder_->abandon();
  hub_.stop();
  for (const auto& sink : sinks_) sink->on_stop();
  for (const auto& sink : sinks_) sink->finish();
  if (recorder_ && keep && !recorder_->finish()) {
    log_.write(LogLevel::error, "recording: " + recorder_->state().problem);
    fail(1);
  }
}

}  // namespace

int run_pipeline(const PipelineOptions& options, Registry& registry, Log& log) {
  return Pipeline(options, registry, log).run();
}

}  // namespace bixws::host

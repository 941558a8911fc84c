// SPDX-License-Identifier: Apache-2.0
// feed_bixws: another bixws server as a feed, whatever it serves: live exchanges, several of them, or a replay. Its
// events keep their exchanges, times and digits; what it lost, and what is lost on the way, arrives as gaps.
#include <bixws/describe.h>
#include <bixws/relay.h>
#include <bixws/stop_signal.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <exception>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "feed/remote_source.h"

namespace bixws {
namespace {

constexpr Option kOptions[] = {
    {"url", OptionType::string, "ws://localhost:8765", "the server: ws:// or wss://"},
    {"token", OptionType::string, "", "what it wants to let us in", true},
    {"ca", OptionType::string, "", "file of the authorities that its certificate may come from"},
    {"insecure", OptionType::boolean, "false", "take any certificate"},
    {"reconnect_delay", OptionType::duration, "1s", "before a lost connection is tried again"},
};

class BixwsFeed final : public FeedSource {
 public:
  BixwsFeed(feed::RemoteOptions options, std::vector<std::string> symbols, std::vector<std::string> channels)
      : options_(std::move(options)), symbols_(std::move(symbols)), channels_(std::move(channels)) {}

  int run(Host& plain_host) noexcept override try {
    auto& host = static_cast<RelayHost&>(plain_host);  // kRelaysExchanges
    Instruments theirs;                                // the ids of this run; the host has its own
    std::vector<const Instrument*> ours;
    std::vector<Event> events;
    Micros newest = 0;  // the server's own time, as far as it is known
    bool down = false;
    StopSignal over;
    feed::RemoteSource::End end;  // written before `over` is set, read after the source has stopped
    feed::RemoteSource source(options_, symbols_, channels_, theirs);
    feed::RemoteSource::Callbacks callbacks;
    callbacks.publish = [&](std::unique_ptr<EventBatch> batch) {
      if (const auto plain = source.plain_exchange(); !plain.empty()) host.plain_exchange(plain);
      events.assign(batch->events().begin(), batch->events().end());
      for (Event& event : events) {
        newest = std::max(newest, event.recv_ts);
        const std::uint32_t id = event.instrument->id;
        if (id >= ours.size()) ours.resize(id + 1, nullptr);
        if (ours[id] == nullptr) ours[id] = &host.relayed(event.instrument->exchange, event.instrument->symbol);
        event.instrument = ours[id];
      }
      if (std::exchange(down, false)) tell(host, FeedState::live, {}, newest);
      return host.publish(events.data(), events.size());
    };
    callbacks.lost = [&](const std::string& reason) {
      down = true;
      tell(host, FeedState::down, reason, newest);
    };
    callbacks.end = [&](const feed::RemoteSource::End& how) {
      end = how;
      over.set();
    };
    callbacks.note = [&](std::string_view text) { host.log(LogLevel::info, text); };
    source.start(std::move(callbacks));
    pollfd fds[] = {{host.stop_fd(), POLLIN, 0}, {over.fd(), POLLIN, 0}};
    while (::poll(fds, 2, -1) < 0 && errno == EINTR) continue;
    source.stop();
    if (!end.failed) return 0;
    host.log(LogLevel::error, source.name() + ": " + end.reason);
    return end.refused ? kAskedForWhatIsNot : 1;
  } catch (const std::exception& e) {
    plain_host.log(LogLevel::error, e.what());
    return 1;
  }

 private:
  /// About the way to the server; what is behind it speaks for itself.
  static void tell(Host& host, FeedState state, std::string_view reason, Micros when) {
    Status status;
    status.state = state;
    status.reason = reason;
    const Event event = Event::of(host.instrument(""), when, 0, status);
    host.publish(&event, 1);
  }

  const feed::RemoteOptions options_;
  const std::vector<std::string> symbols_, channels_;
};

FeedSource* make(const Settings& settings, Error& error) noexcept try {
  feed::RemoteOptions options;
  options.url = settings.get("url");
  options.token = settings.get("token");
  options.ca_file = settings.get("ca");
  options.insecure = settings.boolean("insecure");
  options.reconnect_delay = std::chrono::microseconds(settings.integer("reconnect_delay"));
  std::vector<std::string> symbols;
  for (std::size_t i = 0; i < settings.symbol_count(); ++i) symbols.emplace_back(settings.symbol(i));
  std::vector<std::string> channels = {"status", "alerts", "annotations"};
  for (const auto& [channel, name] : {std::pair{Channel::ticker, "ticker"}, std::pair{Channel::trades, "trades"},
                                      std::pair{Channel::book, "book"}, std::pair{Channel::candle, "candles:1m"}}) {
    if ((settings.channels() >> static_cast<unsigned>(channel) & 1U) != 0) channels.emplace_back(name);
  }
  // Made once in vain, so that a URL or a certificate file of no use is a refusal and not a failure later on.
  Instruments none;
  const feed::RemoteSource trial(options, symbols, channels, none);
  return new BixwsFeed(std::move(options), std::move(symbols), std::move(channels));
} catch (const std::exception& e) {
  std::snprintf(error.text, sizeof error.text, "%s", e.what());
  return nullptr;
}

constexpr Descriptor kDescriptor = describe_feed("bixws", BIXWS_VERSION, "another bixws server", kOptions, &make);

}  // namespace
}  // namespace bixws

BIXWS_EXPORT const bixws::Descriptor* bixws_plugin_v1() noexcept { return &bixws::kDescriptor; }
BIXWS_EXPORT std::uint32_t bixws_plugin_traits() noexcept { return bixws::kRelaysExchanges; }

// SPDX-License-Identifier: Apache-2.0
// Figures of feeds, recorder and sinks as Prometheus text.
#include "host/host_metrics.h"

#include <map>
#include <string>
#include <vector>

#include "host/dialect_feed.h"
#include "server/metrics.h"

namespace bixws::host {
namespace {

using server::MetricsText;

struct Row {
  const char* name;
  const char* help;
  feed::Figure feed::Figures::*figure;
};
constexpr Row kFigures[] = {
    {"bixws_feed_frames_total", "Frames received from the exchange.", &feed::Figures::frames},
    {"bixws_feed_bytes_total", "Bytes received from the exchange.", &feed::Figures::bytes},
    {"bixws_feed_trades_total", "Trades received.", &feed::Figures::trades},
    {"bixws_feed_tickers_total", "Tickers received.", &feed::Figures::tickers},
    {"bixws_feed_candles_total", "Candles received.", &feed::Figures::candles},
    {"bixws_feed_book_updates_total", "Book updates applied.", &feed::Figures::book_updates},
    {"bixws_feed_book_snapshots_total", "Book snapshots taken.", &feed::Figures::book_snapshots},
    {"bixws_feed_duplicates_total", "Events that came a second time.", &feed::Figures::duplicates},
    {"bixws_feed_gaps_total", "Holes in what the exchange sent.", &feed::Figures::gaps},
    {"bixws_feed_resyncs_total", "Books discarded and taken anew.", &feed::Figures::resyncs},
    {"bixws_feed_checksums_ok_total", "Book checksums that were right.", &feed::Figures::checksums_ok},
    {"bixws_feed_connects_total", "Connections made.", &feed::Figures::connects},
    {"bixws_feed_disconnects_total", "Connections lost.", &feed::Figures::disconnects},
    {"bixws_feed_rest_requests_total", "REST requests sent.", &feed::Figures::rest_requests},
    {"bixws_feed_rest_failures_total", "REST requests that failed.", &feed::Figures::rest_failures},
};

// Family by family, as the format wants it, and in each feed by feed.
void write_exchanges(MetricsText& out, const std::vector<const DialectFeed*>& feeds) {
  for (const Row& row : kFigures) {
    for (const DialectFeed* feed : feeds) {
      out.counter(row.name, row.help, (feed->figures().*row.figure).get(), {{"feed", feed->name()}});
    }
  }
  const auto gauge = [&](const char* name, const char* help, auto figure) {
    for (const DialectFeed* feed : feeds) {
      const std::int64_t value = (feed->figures().*figure).load();
      if (value != kUnknown) out.gauge(name, help, value, {{"feed", feed->name()}});
    }
  };
  gauge("bixws_feed_lag_us", "Receive time minus exchange time, skew removed.", &feed::Figures::lag_us);
  gauge("bixws_feed_skew_us", "Exchange's clock minus ours.", &feed::Figures::skew_us);
}

// Plugins may count under any name; the format allows letters, digits and _.
std::string plain_name(std::string name) {
  for (char& c : name) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!fits) c = '_';
  }
  return name;
}

}  // namespace

std::string host_metrics(const Counters& counters, const std::vector<std::unique_ptr<Feed>>& feeds,
                         const recording::Recorder* recorder, const std::vector<std::shared_ptr<SinkHost>>& sinks,
                         const alerts::Engine* alerts) {
  MetricsText out;
  std::vector<const DialectFeed*> exchanges;
  for (const auto& feed : feeds) {
    if (const auto* exchange = dynamic_cast<const DialectFeed*>(feed.get())) exchanges.push_back(exchange);
  }
  write_exchanges(out, exchanges);
  if (recorder != nullptr) {
    const auto state = recorder->state();
    out.counter("bixws_recorder_events_total", "Events on the disk.", state.recorded);
    out.counter("bixws_recorder_dropped_total", "Events that were not recorded.", state.dropped);
    out.gauge("bixws_recorder_queue_bytes", "Bytes waiting for the next commit.",
              static_cast<std::int64_t>(state.queued_bytes));
    out.gauge("bixws_recorder_lag_us", "Age of the oldest event that is not on the disk.",
              static_cast<std::int64_t>(state.lag.count()));
    out.gauge("bixws_recorder_failing", "1 while the disk cannot be written.", std::int64_t{state.failing ? 1 : 0});
  }
  for (const auto& sink : sinks) {
    out.counter("bixws_sink_dropped_total", "Events a sink was too slow for.", sink->dropped(),
                {{"sink", sink->name()}});
  }
  if (alerts != nullptr) {
    const auto counts = alerts->counts();
    for (const auto& count : counts) {
      out.counter("bixws_alerts_fired_total", "Alerts that a rule fired.", count.fired, {{"rule", count.rule}});
    }
    for (const auto& count : counts) {
      out.counter("bixws_alerts_held_back_total", "Alerts that a rule's cool-down swallowed.", count.held_back,
                  {{"rule", count.rule}});
    }
  }
  std::map<std::string, std::uint64_t> counted;  // two names may become one
  for (const auto& [name, value] : counters.all()) counted["bixws_plugin_" + plain_name(name)] += value;
  for (const auto& [name, value] : counted) out.counter(name, "Counted by a plugin.", value);
  return out.take();
}

}  // namespace bixws::host

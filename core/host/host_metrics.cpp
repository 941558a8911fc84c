// SPDX-License-Identifier: Apache-2.0
// Figures of feeds, recorder and sinks as Prometheus text.
#include "host/host_metrics.h"

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

void write_exchange(MetricsText& out, const DialectFeed& feed) {
  const feed::Figures& figures = feed.figures();
  for (const Row& row : kFigures) {
    out.counter(row.name, row.help, (figures.*row.figure).get(), {{"feed", feed.name()}});
  }
  if (const auto lag = figures.lag_us.load(); lag != kUnknown) {
    out.gauge("bixws_feed_lag_us", "Receive time minus exchange time, skew removed.", lag, {{"feed", feed.name()}});
  }
  if (const auto skew = figures.skew_us.load(); skew != kUnknown) {
    out.gauge("bixws_feed_skew_us", "Exchange's clock minus ours.", skew, {{"feed", feed.name()}});
  }
}

}  // namespace

std::string host_metrics(const Counters& counters, const std::vector<std::unique_ptr<Feed>>& feeds,
                         const recording::Recorder* recorder, const std::vector<std::shared_ptr<SinkHost>>& sinks) {
  MetricsText out;
  for (const auto& feed : feeds) {
    if (const auto* exchange = dynamic_cast<const DialectFeed*>(feed.get())) write_exchange(out, *exchange);
  }
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
  for (const auto& [name, value] : counters.all()) {
    out.counter("bixws_plugin_" + name, "Counted by a plugin.", value);
  }
  return out.take();
}

}  // namespace bixws::host

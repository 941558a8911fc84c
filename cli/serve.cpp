// SPDX-License-Identifier: Apache-2.0
// serve: feeds to WebSocket clients, dashboard and sinks.
#include "flags.h"
#include "host/pipeline.h"
#include "host/registry.h"
#include "model/config_error.h"
#include "verbs.h"

namespace bixws::cli {
namespace {

/// --demo is one more --feed: it stands beside those of the command line, and instead of what a file or the default
/// say.
std::vector<std::string> feeds_of(const host::Values& values) {
  if (!values.on("demo")) return values.list("feed");
  std::vector<std::string> feeds;
  if (values.origin("feed") == "--feed") feeds = values.list("feed");
  feeds.emplace_back("sim");
  return feeds;
}

int serve(const Call& call) {
  const host::Values& values = call.values;
  host::PipelineOptions options;
  options.version = BIXWS_VERSION;
  options.feeds = feeds_of(values);
  options.sinks = values.list("sink");
  options.alerts = values.list("alerts");
  options.symbols = values.list("symbols");
  options.duration = values.duration("duration");
  options.server = server_options(values);
  if (values.has("record")) {
    host::RecordRequest request;
    request.path = values.text("record");
    request.rotation = rotation_of(values);
    request.raw = values.on("raw");
    options.record = std::move(request);
  } else if (values.origin("raw") == "--raw" || values.origin("rotate") == "--rotate") {
    throw ConfigError("--raw and --rotate say how to record; add --record FILE");
  }
  host::Registry registry = open_registry(call);
  return host::run_pipeline(options, registry, call.log);
}

}  // namespace

Verb serve_verb() {
  Verb verb{.name = "serve",
            .summary = "feeds to WebSocket clients, a status page and sinks",
            .about =
                "Clients get the state of all symbols when they connect and then every change; docs/protocol.md "
                "says what else they may ask for. Ctrl-C ends it once everything is sent and written; a second "
                "Ctrl-C at once.",
            .flags = {feed_flag(),
                      sink_flag(),
                      alerts_flag(),
                      {.name = "demo", .type = host::FlagType::boolean, .help = "a made-up market, as --feed sim"},
                      {.name = "record",
                       .value = "FILE",
                       .help = "write a recording of it too; may hold parts of the time, as day-%Y%m%d.db"},
                      raw_flag(),
                      rotate_flag()},
            .examples =
                "  # a made-up market; watch it from another terminal\n"
                "  bixws serve --demo\n"
                "  # two symbols of the exchange, and a recording\n"
                "  bixws serve BTCUSDT ETHUSDT --feed binance --record day.db\n"
                "  # told when bitcoin crosses a line, or anything moves 3 % within five minutes\n"
                "  bixws serve --alerts price:above=100000,symbols=BTCUSDT --alerts move:percent=3,window=5m\n"
                "  # 1,000 made-up events a second, every one sent at once\n"
                "  bixws serve --feed sim:rate=1000,seed=7 --interval 0\n",
            .run = serve};
  for (host::Flag& flag : server_flags()) verb.flags.push_back(std::move(flag));
  verb.flags.push_back(duration_flag());
  verb.flags.push_back(symbols_flag());
  return verb;
}

}  // namespace bixws::cli

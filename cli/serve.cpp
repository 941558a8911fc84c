// SPDX-License-Identifier: Apache-2.0
// serve: feeds to WebSocket clients, dashboard and sinks.
#include "flags.h"
#include "host/pipeline.h"
#include "host/registry.h"
#include "verbs.h"

namespace bixws::cli {
namespace {

int serve(const Call& call) {
  host::PipelineOptions options;
  options.feeds = call.values.on("demo") ? std::vector<std::string>{"sim"} : call.values.list("feed");
  options.sinks = call.values.list("sink");
  options.symbols = call.values.list("symbols");
  options.duration = call.values.duration("duration");
  host::Registry registry = open_registry(call);
  return host::run_pipeline(options, registry, call.log);
}

}  // namespace

Verb serve_verb() {
  return {
      .name = "serve",
      .summary = "feeds to WebSocket clients and sinks",
      .flags = {feed_flag(),
                sink_flag(),
                {.name = "demo", .type = host::FlagType::boolean, .help = "a made-up market: the same as --feed sim"},
                duration_flag(),
                symbols_flag()},
      .examples =
          "  # a made-up market; watch it from another terminal\n"
          "  bixws serve --demo\n",
      .run = serve};
}

}  // namespace bixws::cli

// SPDX-License-Identifier: Apache-2.0
// replay: a recorded session to the same outputs as serve.
#include "flags.h"
#include "host/pipeline.h"
#include "model/config_error.h"
#include "verbs.h"

namespace bixws::cli {
namespace {

std::string check_speed(const std::string& text) {
  return recording::parse_speed(text) ? "" : "must be a factor such as 0.5, 1 or 60, or max, not " + text;
}

int replay(const Call& call) {
  const host::Values& values = call.values;
  host::PipelineOptions options;
  options.version = BIXWS_VERSION;
  options.sinks = values.list("sink");
  options.alerts = values.list("alerts");
  recording::PlaybackOptions playback;
  playback.path = values.text("file");
  playback.session = values.integer("session");
  playback.speed = recording::parse_speed(values.text("speed")).value_or(1);
  playback.from = values.text("from");
  playback.to = values.text("to");
  playback.loop = values.on("loop");
  playback.paused = values.on("paused");
  options.replay = std::move(playback);
  if (!values.on("no-serve")) options.server = server_options(values);
  options.wait_clients = static_cast<std::size_t>(values.integer("wait-clients"));
  host::Registry registry = open_registry(call);
  return host::run_pipeline(options, registry, call.log);
}

}  // namespace

Verb replay_verb() {
  Verb verb{
      .name = "replay",
      .summary = "a recorded session to WebSocket clients and sinks",
      .about =
          "Clients see what they would have seen live. At the end they are told so and closed, and replay "
          "exits.",
      .flags = {{.name = "file",
                 .value = "FILE",
                 .help = "a recording",
                 .positional = true,
                 .required = true,
                 .configurable = false},
                {.name = "session",
                 .type = host::FlagType::integer,
                 .value = "ID",
                 .help = "which of the file's sessions [default: the latest]",
                 .least = 1},
                {.name = "speed",
                 .value = "X",
                 .fallback = "1",
                 .help = "factor, or max: as fast as consumers take",
                 .check = check_speed},
                {.name = "from", .value = "T", .help = "begin here: 2026-11-22T21:00:00Z, or +90s from the start"},
                {.name = "to", .value = "T", .help = "end here"},
                {.name = "loop", .type = host::FlagType::boolean, .help = "begin again at the end"},
                {.name = "paused", .type = host::FlagType::boolean, .help = "wait for a client to resume it"},
                {.name = "wait-clients",
                 .type = host::FlagType::integer,
                 .value = "N",
                 .help = "begin when so many clients are connected"},
                {.name = "no-serve", .type = host::FlagType::boolean, .help = "sinks only, no clients"},
                sink_flag()},
      .examples =
          "  # ten times as fast, from the second minute on\n"
          "  bixws replay day.db --speed 10 --from +1m\n"
          "  # as fast as the console takes it\n"
          "  bixws replay day.db --speed max --no-serve --sink console\n"
          "  # what would this rule have said?\n"
          "  bixws replay day.db --speed max --no-serve --sink console --alerts move:percent=2 | grep alert\n"
          "  # test a bot: it misses nothing, and everything is over when the replay is\n"
          "  bixws replay day.db --speed max --wait-clients 1 --port 9000\n",
      .run = replay};
  host::Flag alerts = alerts_flag();
  alerts.help = "try these rules on the recording, instead of the alerts that it holds; may be repeated";
  alerts.configurable = false;  // rules for what is live must not change what is played
  verb.flags.push_back(std::move(alerts));
  for (host::Flag& flag : server_flags()) verb.flags.push_back(std::move(flag));
  return verb;
}

}  // namespace bixws::cli

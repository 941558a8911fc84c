// SPDX-License-Identifier: Apache-2.0
// replay: a recorded session to the same outputs as serve.
#include <algorithm>

#include "flags.h"
#include "host/native.h"
#include "host/pipeline.h"
#include "model/chaos.h"
#include "model/config_error.h"
#include "verbs.h"

namespace bixws::cli {
namespace {

std::string check_speed(const std::string& text) {
  return recording::parse_speed(text) ? "" : "must be a factor such as 0.5, 1 or 60, or max, not " + text;
}

std::string check_chaos(const std::string& text) {
  try {
    (void)parse_chaos(text);
    return {};
  } catch (const ConfigError& e) {
    return e.what();
  }
}

recording::PlaybackOptions playback_options(const host::Values& values) {
  recording::PlaybackOptions playback;
  playback.path = values.text("file");
  playback.session = values.integer("session");
  playback.speed = recording::parse_speed(values.text("speed")).value_or(1);
  playback.from = values.text("from");
  playback.to = values.text("to");
  playback.loop = values.on("loop");
  playback.paused = values.on("paused");
  return playback;
}

// The exchange's protocol knows neither tokens nor pause, and its clients no sinks.
void refuse_what_is_not_native(const host::Values& values) {
  for (const char* flag : {"sink", "no-serve", "paused", "token", "token-file"}) {
    const bool given = flag == std::string("sink")                                        ? !values.list(flag).empty()
                       : flag == std::string("no-serve") || flag == std::string("paused") ? values.on(flag)
                                                                                          : !values.text(flag).empty();
    if (given) throw ConfigError(std::string("--") + flag + " does not go together with --native");
  }
}

int replay_native(const Call& call) {
  const host::Values& values = call.values;
  refuse_what_is_not_native(values);
  host::NativeRequest request;
  native::NativeOptions& options = request.options;
  options.playback = playback_options(values);
  options.exchange = values.text("exchange");
  options.host = values.text("host");
  options.port = static_cast<std::uint16_t>(values.integer("port"));
  options.wait_clients = static_cast<std::size_t>(std::max<std::int64_t>(values.integer("wait-clients"), 1));
  options.wait_topics = static_cast<std::size_t>(std::max<std::int64_t>(values.integer("wait-topics"), 1));
  options.max_clients = static_cast<std::size_t>(values.integer("max-clients"));
  options.chaos = parse_chaos(values.text("chaos"));
  request.tls_cert = values.text("tls-cert");
  request.tls_key = values.text("tls-key");
  host::Registry registry = open_registry(call);
  return host::run_native(std::move(request), registry, call.log);
}

int replay(const Call& call) {
  const host::Values& values = call.values;
  if (values.on("native")) return replay_native(call);
  host::PipelineOptions options;
  options.version = BIXWS_VERSION;
  options.sinks = values.list("sink");
  options.alerts = values.list("alerts");
  options.replay = playback_options(values);
  options.replay->chaos = parse_chaos(values.text("chaos"));
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
                 .help = "begin when so many clients have subscribed, or show that they only listen"},
                {.name = "native",
                 .type = host::FlagType::boolean,
                 .help = "speak the exchange's own protocol, from frames kept by record --raw or imported"},
                {.name = "exchange",
                 .value = "NAME",
                 .help = "--native: whose, if the recording has frames of several"},
                {.name = "wait-topics",
                 .type = host::FlagType::integer,
                 .value = "N",
                 .help = "--native: begin when clients have subscribed to so many channels of symbols together"},
                {.name = "chaos",
                 .value = "FAULTS",
                 .help = "inject faults: drop=P,dup=P,reorder=P,delay=D,disconnect=EVERY,seed=N",
                 .check = check_chaos},
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
          "  bixws replay day.db --speed max --wait-clients 1 --port 9000\n"
          "  # an exchange's own client, pointed at ws://localhost:9443 and http://localhost:9443 instead\n"
          "  bixws replay raw.db --native --port 9443 --chaos drop=0.001,disconnect=5m\n",
      .run = replay};
  host::Flag alerts = alerts_flag();
  alerts.help = "try these rules on the recording, instead of the alerts that it holds; may be repeated";
  alerts.configurable = false;  // rules for what is live must not change what is played
  verb.flags.push_back(std::move(alerts));
  for (host::Flag& flag : server_flags()) verb.flags.push_back(std::move(flag));
  return verb;
}

}  // namespace bixws::cli

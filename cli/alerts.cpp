// SPDX-License-Identifier: Apache-2.0
// alerts test: a sample alert through the sinks, to see whether it arrives.
#include "flags.h"
#include "host/alert_trial.h"
#include "host/spec.h"
#include "model/config_error.h"
#include "model/text_buffer.h"
#include "output.h"
#include "verbs.h"

namespace bixws::cli {
namespace {

std::vector<std::string> specs_of(const host::Values& values) {
  // An address on the command line is what is to be tried, not what the config file holds.
  if (values.has("url")) {
    host::Spec spec{"webhook", {{"url", values.text("url")}, {"format", values.text("format")}}};
    return {host::text_of(spec)};
  }
  if (values.list("sink").empty()) {
    throw ConfigError(
        "alerts test needs --sink S or --url URL: where should the sample go? No config file names a sink");
  }
  return values.list("sink");
}

int test(const Call& call) {
  const host::Values& values = call.values;
  host::Registry registry = open_registry(call);
  TextBuffer json;
  std::string text;
  bool all = true;
  json.raw('[');
  for (const std::string& spec : specs_of(values)) {
    const host::Trial trial = host::try_alert(spec, values.text("text"), registry, call.log);
    all = all && trial.delivered;
    text += trial.sink + (trial.delivered ? ": delivered\n" : ": not delivered, see above\n");
    if (json.view().back() != '[') json.raw(',');
    json.raw("{\"sink\":");
    json.quoted(trial.sink);
    json.raw(trial.delivered ? ",\"delivered\":true}" : ",\"delivered\":false}");
  }
  json.raw("]\n");
  const int printed = print(values.on("json") ? json.str() : text);
  return all ? printed : 1;
}

}  // namespace

Verb alerts_test_verb() {
  return {.name = "alerts test",
          .summary = "send a sample alert",
          .about =
              "Through the sinks that are given, or else those of the config file. A webhook that does not take it is "
              "reported with the reason and ends the command with exit code 1; nothing is sent later. docs/alerts.md "
              "explains rules and receivers.",
          .flags = {sink_flag(),
                    {.name = "url",
                     .value = "URL",
                     .help = "POST it here, as --sink webhook:url=URL does",
                     .configurable = false},
                    {.name = "format",
                     .value = "SHAPE",
                     .fallback = "json",
                     .help = "with --url: what the receiver takes",
                     .choices = {"json", "slack", "discord", "telegram"},
                     .configurable = false},
                    {.name = "text",
                     .value = "TEXT",
                     .fallback = "this is a test alert of bixws",
                     .help = "what it says",
                     .configurable = false},
                    json_flag()},
          .examples =
              "  # does the chat get it?\n"
              "  bixws alerts test --url https://hooks.slack.com/services/T000/B000/XXXX --format slack\n"
              "  # the sinks of bixws.yaml\n"
              "  bixws alerts test\n",
          .run = test};
}

}  // namespace bixws::cli

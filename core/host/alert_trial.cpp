// SPDX-License-Identifier: Apache-2.0
// A pipeline of one event.
#include "host/alert_trial.h"

#include <algorithm>
#include <memory>

#include "host/counters.h"
#include "host/sink_host.h"
#include "host/spec.h"
#include "hub/hub.h"
#include "model/clock.h"
#include "model/config_error.h"
#include "model/instruments.h"

namespace bixws::host {
namespace {

/// Unless the user said otherwise, for sinks that know the key.
void set_default(Spec& spec, const Descriptor& plugin, const std::string& key, const std::string& value) {
  const auto* const end = plugin.options + plugin.option_count;
  const bool known = std::any_of(plugin.options, end, [&](const Option& option) { return key == option.name; });
  const bool given = std::any_of(spec.values.begin(), spec.values.end(), [&](const auto& v) { return v.first == key; });
  if (known && !given) spec.values.emplace_back(key, value);
}

std::unique_ptr<EventBatch> sample(Instruments& instruments, const std::string& text, Micros now) {
  const std::string id = "test:" + std::to_string(now);
  Mark mark;
  mark.id = id;
  mark.text = text;
  mark.kind = "test";
  mark.price = Decimal::of(5'000'000, -2);
  auto batch = std::make_unique<EventBatch>();
  batch->append(Event::alert(instruments.get("test", "BTCUSDT"), now, now, mark));
  return batch;
}

}  // namespace

Trial try_alert(const std::string& text_of_spec, const std::string& text, Registry& registry, Log& log) {
  Spec spec = parse_spec(text_of_spec);
  const Descriptor& plugin = registry.load("sink", spec.name);
  set_default(spec, plugin, "outbox", ":memory:");
  set_default(spec, plugin, "linger", "15s");
  const std::string owner = "sink " + spec.name;
  const SpecSettings settings(spec, {owner, {plugin.options, plugin.option_count}, {}, 0});
  for (const std::string& secret : settings.secrets()) log.hide(secret);
  Error error{};
  std::unique_ptr<Sink> sink(plugin.make_sink(settings, error));
  if (sink == nullptr) throw ConfigError(owner + ": " + error.text);

  hub::Hub hub;
  Instruments instruments;
  const SystemClock clock;
  Counters counters;
  bool failed = false;
  const auto sink_host =
      std::make_shared<SinkHost>(spec.name, std::move(sink), Surroundings{hub, instruments, clock, log, counters},
                                 SinkHost::Options{}, [&failed](const std::string&) { failed = true; });
  if (!sink_host->start()) return {spec.name, false};
  hub.attach(sink_host);
  hub.start();
  hub.publish(sample(instruments, text, clock.now()));
  hub.stop();
  sink_host->finish();
  // A sink that queues says what became of it; of others, not failing is all there is to see.
  const auto counts = counters.all();
  const auto count_of = [&](const std::string& name) {
    const auto found = counts.find("sink_" + spec.name + "_" + name);
    return found == counts.end() ? 0 : found->second;
  };
  return {spec.name, !failed && count_of("delivered") >= count_of("queued")};
}

}  // namespace bixws::host

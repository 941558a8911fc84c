// SPDX-License-Identifier: Apache-2.0
// Private replays and streams of a recording: reading what is asked, and wiring.
#include "host/private_replay.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <vector>

#include "host/flag.h"
#include "host/replay_control.h"
#include "host/replay_feed.h"
#include "model/config_error.h"
#include "model/nearest.h"
#include "model/symbol.h"
#include "recording/exporter.h"
#include "recording/past.h"
#include "recording/replayer.h"

namespace bixws::host {
namespace {

// A client alone needs no more between its replay and itself.
constexpr std::size_t kQueueBytes = std::size_t{2} << 20;

class OwnReplay final : public server::PrivateReplay {
 public:
  OwnReplay(const recording::PlaybackOptions& options, Instruments& instruments)
      : hub_(hub::Hub::Options{kQueueBytes}),
        target_(hub_),
        replayer_(options, instruments, target_),
        path_(options.path),
        session_(replayer_.position().session) {}
  ~OwnReplay() override {
    replayer_.stop();
    hub_.stop();
  }

  hub::Hub& hub() override { return hub_; }
  void play(std::function<void()> on_ended) override { replayer_.start(std::move(on_ended)); }
  server::HistorySource history() const override {
    return [path = path_, session = session_](const HistoryQuery& query) {
      return recording::Past(path, session).read(query);
    };
  }
  std::string control(const server::ReplayRequest& request) override { return control_replay(replayer_, request); }

 private:
  hub::Hub hub_;
  recording::HubTarget target_;
  recording::Replayer replayer_;
  std::string path_;
  std::int64_t session_;
};

std::string text_of(const net::Query& query, std::string_view name) {
  const std::string* value = net::query_value(query, name);
  return value == nullptr ? std::string() : *value;
}

std::int64_t session_of(const net::Query& query, std::int64_t served) {
  const std::string text = text_of(query, "session");
  if (text.empty()) return served;
  std::int64_t session = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), session);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() || session < 1) {
    throw ConfigError("session: " + text + " is no number of a session");
  }
  return session;
}

bool switch_of(const net::Query& query, std::string_view name, bool otherwise) {
  const std::string* value = net::query_value(query, name);
  if (value == nullptr) return otherwise;
  if (value->empty() || *value == "1" || *value == "true") return true;
  if (*value == "0" || *value == "false") return false;
  throw ConfigError(std::string(name) + ": must be true or false, not " + *value);
}

/// "--from x: not a time" is about a flag; here it is a parameter.
std::string without_dashes(std::string text) {
  if (text.starts_with("--")) text.erase(0, 2);
  return text;
}

void require_symbols(const recording::SessionRow& session, const std::vector<std::string>& asked) {
  const std::vector<std::string> listed = split(session.symbols, ",");
  for (const std::string& text : asked) {
    const SymbolQuery query = parse_symbol(text);
    const bool known = std::any_of(listed.begin(), listed.end(), [&](const std::string& label) {
      const std::size_t colon = label.find(':');
      const std::string symbol = colon == std::string::npos ? label : label.substr(colon + 1);
      if (symbol_key(symbol) != query.key) return false;
      return query.exchange.empty() || colon == std::string::npos || label.substr(0, colon) == query.exchange;
    });
    if (!known) throw ConfigError("symbols: unknown symbol " + text + did_you_mean(text, listed));
  }
}

std::variant<server::StreamPlan, server::StreamRefusal> plan_of(const recording::PlaybackOptions& served,
                                                                const net::Query& query, bool frames) {
  try {
    recording::ExportOptions options;
    options.path = served.path;
    options.session = session_of(query, served.session);
    options.channels = split(text_of(query, "channels"), ",");
    options.symbols = split(text_of(query, "symbols"), ",");
    options.from = text_of(query, "from");
    options.to = text_of(query, "to");
    options.frames = frames;
    options.as_subscriber = true;
    recording::Recording file(options.path);
    require_symbols(file.session(options.session), options.symbols);
    auto write = recording::prepare_export(options);
    return server::StreamPlan{"application/x-ndjson", [write](const server::StreamWriter& writer) -> std::string {
                                try {
                                  write(writer);
                                  return {};
                                } catch (const recording::RecordingError& e) {
                                  return e.what();
                                }
                              }};
  } catch (const ConfigError& e) {
    return server::StreamRefusal{400, without_dashes(e.what())};
  } catch (const recording::RecordingError& e) {
    return server::StreamRefusal{500, e.what()};
  }
}

}  // namespace

std::unique_ptr<server::PrivateReplay> private_replay(const recording::PlaybackOptions& served, const net::Query& query,
                                                      Instruments& instruments, server::StreamRefusal& refusal) {
  try {
    recording::PlaybackOptions options = served;
    options.session = session_of(query, served.session);
    if (const std::string speed = text_of(query, "speed"); !speed.empty()) {
      const auto factor = recording::parse_speed(speed);
      if (!factor) throw ConfigError("speed: must be a factor such as 0.5, 1 or 60, or max, not " + speed);
      options.speed = *factor;
    }
    if (net::query_value(query, "from") != nullptr) options.from = text_of(query, "from");
    if (net::query_value(query, "to") != nullptr) options.to = text_of(query, "to");
    options.loop = switch_of(query, "loop", served.loop);
    options.paused = switch_of(query, "paused", false);
    // Being cut off is a matter of the connection, and this one has a server's common clients beside it.
    options.chaos.disconnect_events = 0;
    options.chaos.disconnect_time = 0;
    know_instruments(options, instruments);
    return std::make_unique<OwnReplay>(options, instruments);
  } catch (const ConfigError& e) {
    refusal = {400, without_dashes(e.what())};
  } catch (const recording::RecordingError& e) {
    refusal = {500, e.what()};
  }
  return nullptr;
}

std::optional<server::StreamPlanner> recording_stream(const recording::PlaybackOptions& served, std::string_view path,
                                                      const net::Query& query) {
  constexpr std::string_view kFolder = "/recordings/";
  if (!path.starts_with(kFolder)) return std::nullopt;
  path.remove_prefix(kFolder.size());
  const std::size_t slash = path.find('/');
  const std::string name(path.substr(0, slash));
  const std::string_view what = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  if (what != "events" && what != "frames") return std::nullopt;
  const std::filesystem::path file(served.path);
  if (name != file.filename() && name != file.stem()) {
    return [text = "no recording " + name + " here; there is " + file.filename().string()] {
      return server::StreamRefusal{404, text};
    };
  }
  return [served, query, frames = what == "frames"] { return plan_of(served, query, frames); };
}

}  // namespace bixws::host

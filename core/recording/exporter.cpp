// SPDX-License-Identifier: Apache-2.0
// Exporter: chooses, formats, and hands over in large pieces.
#include "recording/exporter.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "model/config_error.h"
#include "model/event_json.h"
#include "model/nearest.h"
#include "model/symbol.h"
#include "model/text_buffer.h"
#include "model/time_text.h"
#include "recording/candle_builder.h"
#include "recording/csv_lines.h"
#include "recording/image.h"
#include "recording/recording.h"

namespace bixws::recording {
namespace {

constexpr std::size_t kPiece = std::size_t{256} << 10;
constexpr std::size_t kBatchEvents = 4096;

constexpr std::array<std::pair<std::string_view, Kind>, 8> kChannels = {{{"ticker", Kind::ticker},
                                                                         {"trades", Kind::trades},
                                                                         {"book", Kind::book},
                                                                         {"candles", Kind::candle},
                                                                         {"status", Kind::status},
                                                                         {"gaps", Kind::gap},
                                                                         {"alerts", Kind::alert},
                                                                         {"annotations", Kind::annotation}}};

std::string_view name_of(RawFrame::Direction direction) {
  switch (direction) {
    case RawFrame::Direction::received:
      return "received";
    case RawFrame::Direction::sent:
      return "sent";
    case RawFrame::Direction::connected:
      return "connected";
    case RawFrame::Direction::disconnected:
      return "disconnected";
    case RawFrame::Direction::rest:
      return "rest";
  }
  return {};
}

void append_frame(TextBuffer& out, const Event& event) {
  const RawFrame& raw = event.raw();
  out.raw("{\"recv_ts\":");
  out.integer(event.recv_ts);
  out.raw(",\"exchange\":");
  out.quoted(event.instrument->exchange);
  out.raw(",\"connection\":");
  out.integer(raw.connection);
  out.raw(",\"direction\":\"");
  out.raw(name_of(raw.direction));
  out.raw('"');
  if (!raw.url.empty()) {
    out.raw(",\"url\":");
    out.quoted(raw.url);
  }
  if (!raw.bytes.empty()) {
    out.raw(",\"frame\":");
    out.quoted(raw.bytes);
  }
  out.raw("}\n");
}

class Export {
 public:
  explicit Export(const ExportOptions& options)
      : options_(options), reader_(options.path, options.session, instruments_), total_(reader_.session().events) {
    choose_channels();
    for (const std::string& symbol : options.symbols) symbols_.push_back(known_symbol(symbol));
    from_ = time("from", options.from, INT64_MIN);
    to_ = time("to", options.to, INT64_MAX);
  }

  void run(const ExportWriter& write, const ExportProgress& progress) {
    write_ = write;
    if (options_.format == ExportOptions::Format::csv) out_.raw(csv_header(only_));
    EventBatch batch;
    try {
      go_to_start();
      while (reader_.next(batch, kBatchEvents)) {
        std::uint64_t seq = reader_.next_seq() - batch.size();
        for (Event& event : batch.events()) {
          event.seq = seq++;
          if (event.recv_ts < from_) continue;
          if (event.recv_ts >= to_) {
            finish();
            return;
          }
          if (options_.as_subscriber) number(event);
          take(event);
        }
        batch.clear();
        if (!hand_over(false)) return;
        if (progress && !progress(static_cast<double>(reader_.next_seq()) / static_cast<double>(total_ + 1), lines_)) {
          throw RecordingError("interrupted");
        }
      }
    } catch (const DamageError&) {
      finish();
      throw;
    }
    finish();
  }

 private:
  void go_to_start() {
    if (from_ == INT64_MIN) return;
    const bool at_start = from_ <= reader_.session().started_ts;
    SessionImage image;
    reader_.seek_time(from_, options_.as_subscriber && !at_start ? &image : nullptr);
    EventBatch state;
    image.append_to(state);
    for (Event& event : state.events()) {
      number(event);
      take(event);
    }
  }

  /// As the hub numbers them: tickers all together, the others each instrument, channel and timeframe for itself.
  void number(Event& event) {
    std::uint64_t key = static_cast<std::uint64_t>(event.kind) << 32;
    switch (event.kind) {
      case Kind::ticker:
        break;
      case Kind::candle:
        key |= static_cast<std::uint64_t>(event.candle().seconds) << 40;
        [[fallthrough]];
      case Kind::trades:
      case Kind::book:
        key |= event.instrument->id;
        break;
      default:
        return;
    }
    event.seq = ++numbers_[key];
  }

  Micros time(std::string_view name, const std::string& text, Micros fallback) const {
    if (text.empty()) return fallback;
    const auto parsed = parse_time(text, reader_.session().started_ts);
    if (parsed) return *parsed;
    throw ConfigError("--" + std::string(name) + " " + text +
                      ": not a time; write 2026-11-22T21:00:00Z, or +90s from the session's start");
  }

  void choose_channels() {
    for (const std::string& text : options_.channels) {
      const std::size_t colon = text.find(':');
      const std::string name = text.substr(0, colon);
      const auto known =
          std::find_if(kChannels.begin(), kChannels.end(), [&](const auto& c) { return c.first == name; });
      const std::int32_t seconds = colon == std::string::npos ? 60 : parse_timeframe(text.substr(colon + 1));
      if (known == kChannels.end() || (colon != std::string::npos && (name != "candles" || seconds == 0))) {
        std::vector<std::string> names;
        for (const auto& [channel, kind] : kChannels) names.emplace_back(channel);
        throw ConfigError("--channels: unknown channel " + text + did_you_mean(text, names));
      }
      chosen_.insert(known->second);
      only_ = known->second;
      if (known->second == Kind::candle) timeframes_.insert(colon == std::string::npos ? 0 : seconds);
    }
    if (options_.frames && options_.format == ExportOptions::Format::csv) {
      throw ConfigError("--frames are exported as ndjson only");
    }
    if (options_.format == ExportOptions::Format::csv && chosen_.size() != 1) {
      throw ConfigError("csv has one kind of line: name one channel, as --channels trades");
    }
  }

  /// Throws ConfigError for one that nothing in the file is about.
  [[nodiscard]] SymbolQuery known_symbol(const std::string& text) const {
    SymbolQuery query = parse_symbol(text);
    Database database(options_.path, Database::Access::read);
    Statement select = database.prepare("SELECT exchange, symbol FROM instruments WHERE symbol <> ''");
    std::vector<std::string> names;
    while (select.step()) {
      if (!query.exchange.empty() && query.exchange != select.text(0)) continue;
      names.emplace_back(select.text(1));
      if (symbol_key(names.back()) == query.key) return query;
    }
    if (names.empty()) throw ConfigError("unknown symbol " + text + "; the recording has nothing of " + query.exchange);
    throw ConfigError(match_symbol(query.key, names).error);
  }

  [[nodiscard]] bool wanted(const Instrument& instrument) {
    if (symbols_.empty()) return true;
    if (instrument.id >= wanted_.size()) wanted_.resize(instrument.id + 1);
    auto& known = wanted_[instrument.id];
    if (!known) {
      const std::string key = symbol_key(instrument.symbol);
      known = std::any_of(symbols_.begin(), symbols_.end(), [&](const SymbolQuery& query) {
        return query.key == key && (query.exchange.empty() || query.exchange == instrument.exchange);
      });
    }
    return *known;
  }

  void take(const Event& event) {
    if (options_.frames) {
      if (event.kind != Kind::raw) return;
      append_frame(out_, event);
      ++lines_;
      return;
    }
    if (event.kind == Kind::raw || !wanted(*event.instrument)) return;
    if (event.kind == Kind::trades && chosen_.contains(Kind::candle)) build(event);
    if (!chosen_.empty() && !chosen_.contains(event.kind)) return;
    if (event.kind == Kind::candle && !chosen_.empty() && !timeframes_.contains(0) &&
        !timeframes_.contains(event.candle().seconds)) {
      return;
    }
    put(event);
  }

  void put(const Event& event) {
    ++lines_;
    if (options_.format == ExportOptions::Format::csv) {
      append_csv(out_, event);
      return;
    }
    append_message(out_, event, label_of(*event.instrument));
    out_.raw('\n');
  }

  /// Candles from trades, for timeframes that were not recorded.
  void build(const Event& event) {
    if (event.instrument->id >= builders_.size()) builders_.resize(event.instrument->id + 1);
    auto& builders = builders_[event.instrument->id];
    if (!builders) {
      builders.emplace();
      for (const std::int32_t seconds : timeframes_) {
        const std::int32_t actual = seconds == 0 ? 60 : seconds;
        if (!recorded(*event.instrument, actual)) builders->emplace_back(actual);
      }
    }
    Candle closed;
    for (CandleBuilder& builder : *builders) {
      for (const Trade& trade : event.trades().list) {
        if (builder.add(trade, closed)) put_built(*event.instrument, closed, event);
      }
    }
  }

  void put_built(const Instrument& instrument, const Candle& candle, const Event& by) {
    Event event = Event::of(instrument, by.recv_ts, 0, candle);
    event.seq = by.seq;
    put(event);
  }

  bool recorded(const Instrument& instrument, std::int32_t seconds) {
    TextBuffer timeframe;
    append_timeframe(timeframe, seconds);
    Recording recording(options_.path);
    Statement select = recording.database().prepare(
        "SELECT 1 FROM v_candles WHERE session_id = ?1 AND exchange = ?2 AND symbol = ?3 AND timeframe = ?4 LIMIT 1");
    select.bind(1, reader_.session().id);
    select.bind_text(2, instrument.exchange);
    select.bind_text(3, instrument.symbol);
    select.bind_text(4, timeframe.view());
    return select.step();
  }

  std::string_view label_of(const Instrument& instrument) {
    if (instrument.id >= labels_.size()) labels_.resize(instrument.id + 1);
    std::string& label = labels_[instrument.id];
    if (label.empty() && !instrument.symbol.empty()) {
      // The session lists the symbols of its first feed by their plain names.
      const std::string listed = "," + reader_.session().symbols + ",";
      const std::string prefixed = std::string(instrument.exchange) + ":" + std::string(instrument.symbol);
      label = listed.find("," + prefixed + ",") != std::string::npos ? prefixed : std::string(instrument.symbol);
    }
    return label;
  }

  bool hand_over(bool all) {
    if (out_.size() < kPiece && !all) return true;
    const bool more = write_(out_.view());
    out_.clear();
    return more;
  }

  void finish() {
    for (std::size_t id = 0; id < builders_.size(); ++id) {
      if (!builders_[id]) continue;
      for (const CandleBuilder& builder : *builders_[id]) {
        Candle open;
        if (builder.open(open)) {
          Event last;
          last.recv_ts = reader_.session().ended_ts;
          last.seq = reader_.next_seq() - 1;
          put_built(instruments_.at(static_cast<std::uint32_t>(id)), open, last);
        }
      }
    }
    builders_.clear();
    hand_over(true);
  }

  const ExportOptions options_;
  ExportWriter write_;
  Instruments instruments_;
  SessionReader reader_;
  std::uint64_t total_;
  Micros from_ = INT64_MIN, to_ = INT64_MAX;
  std::set<Kind> chosen_;
  Kind only_ = Kind::trades;
  std::set<std::int32_t> timeframes_;  // 0: the plain word, which means all recorded, or else 1m
  std::vector<SymbolQuery> symbols_;
  std::vector<std::optional<bool>> wanted_;                          // by instrument id
  std::vector<std::optional<std::vector<CandleBuilder>>> builders_;  // likewise
  std::vector<std::string> labels_;                                  // likewise
  std::unordered_map<std::uint64_t, std::uint64_t> numbers_;
  TextBuffer out_;
  std::uint64_t lines_ = 0;
};

}  // namespace

void export_session(const ExportOptions& options, const ExportWriter& write, const ExportProgress& progress) {
  Export(options).run(write, progress);
}

std::function<void(const ExportWriter& write)> prepare_export(const ExportOptions& options) {
  auto prepared = std::make_shared<Export>(options);
  return [prepared](const ExportWriter& write) { prepared->run(write, {}); };
}

}  // namespace bixws::recording

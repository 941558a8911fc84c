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
#include "recording/image.h"
#include "recording/recording.h"

namespace bixws::recording {
namespace {

constexpr std::size_t kPiece = std::size_t{256} << 10;
constexpr std::size_t kBatchEvents = 4096;

enum class Choice : std::uint8_t { ticker, trades, book, candles, status, gaps, alerts, annotations };
constexpr std::array<std::pair<std::string_view, Choice>, 8> kChoices = {{{"ticker", Choice::ticker},
                                                                          {"trades", Choice::trades},
                                                                          {"book", Choice::book},
                                                                          {"candles", Choice::candles},
                                                                          {"status", Choice::status},
                                                                          {"gaps", Choice::gaps},
                                                                          {"alerts", Choice::alerts},
                                                                          {"annotations", Choice::annotations}}};

std::optional<Choice> choice_of(Kind kind) {
  switch (kind) {
    case Kind::ticker:
      return Choice::ticker;
    case Kind::trades:
      return Choice::trades;
    case Kind::book:
      return Choice::book;
    case Kind::candle:
      return Choice::candles;
    case Kind::status:
      return Choice::status;
    case Kind::gap:
      return Choice::gaps;
    case Kind::alert:
      return Choice::alerts;
    case Kind::annotation:
      return Choice::annotations;
    case Kind::raw:
      break;
  }
  return std::nullopt;
}

std::string_view header_of(Choice choice) {
  switch (choice) {
    case Choice::ticker:
      return "seq,exchange,symbol,price,bid,ask,bid_size,ask_size,open_24h,high_24h,low_24h,volume_24h,"
             "quote_volume_24h,change_24h,ts,recv_ts\n";
    case Choice::trades:
      return "seq,exchange,symbol,price,size,side,trade_id,ts,recv_ts\n";
    case Choice::book:
      return "seq,exchange,symbol,action,side,price,size,ts,recv_ts\n";
    case Choice::candles:
      return "seq,exchange,symbol,timeframe,open_ts,open,high,low,close,volume,closed,recv_ts\n";
    case Choice::status:
      return "seq,exchange,symbol,state,integrity,reason,lag_us,skew_us,recv_ts\n";
    case Choice::gaps:
      return "seq,exchange,symbol,channel,reason,from_ts,to_ts,from_seq,to_seq,lost,recv_ts\n";
    case Choice::alerts:
    case Choice::annotations:
      return "seq,exchange,symbol,id,kind,text,price,color,deleted,ts,recv_ts\n";
  }
  return {};
}

/// One line of CSV; RFC 4180 quoting where a text needs it.
class CsvLine {
 public:
  explicit CsvLine(TextBuffer& out) : out_(out) {}
  ~CsvLine() { out_.raw('\n'); }
  CsvLine(const CsvLine&) = delete;
  CsvLine& operator=(const CsvLine&) = delete;

  CsvLine& number(std::integral auto value) {
    next();
    out_.integer(value);
    return *this;
  }
  CsvLine& known(std::int64_t value, std::int64_t unknown) {
    next();
    if (value != unknown) out_.integer(value);
    return *this;
  }
  CsvLine& decimal(const Decimal& value) {
    next();
    if (value.has_value()) out_.decimal(value);
    return *this;
  }
  CsvLine& text(std::string_view value) {
    next();
    if (value.find_first_of(",\"\r\n") == std::string_view::npos) {
      out_.raw(value);
      return *this;
    }
    out_.raw('"');
    for (const char c : value) {
      if (c == '"') out_.raw('"');
      out_.raw(c);
    }
    out_.raw('"');
    return *this;
  }

 private:
  void next() {
    if (!first_) out_.raw(',');
    first_ = false;
  }
  TextBuffer& out_;
  bool first_ = true;
};

void append_csv(TextBuffer& out, const Event& event) {
  const Instrument& i = *event.instrument;
  const auto begin = [&](CsvLine& line) -> CsvLine& { return line.number(event.seq).text(i.exchange).text(i.symbol); };
  switch (event.kind) {
    case Kind::ticker: {
      const Ticker& t = event.ticker();
      CsvLine line(out);
      begin(line);
      for (const Decimal* d : {&t.price, &t.bid, &t.ask, &t.bid_size, &t.ask_size, &t.open_24h, &t.high_24h, &t.low_24h,
                               &t.volume_24h, &t.quote_volume_24h, &t.change_24h}) {
        line.decimal(*d);
      }
      line.known(event.ts, 0).number(event.recv_ts);
      break;
    }
    case Kind::trades:
      for (const Trade& t : event.trades().list) {
        CsvLine line(out);
        begin(line).decimal(t.price).decimal(t.size).text(name_of(t.side)).text(t.id);
        line.known(t.ts, 0).number(event.recv_ts);
      }
      break;
    case Kind::book:
      for (const bool bids : {true, false}) {
        for (const Level& level : bids ? event.book().bids : event.book().asks) {
          CsvLine line(out);
          begin(line).text(event.book().action == BookAction::snapshot ? "snapshot" : "update");
          line.text(bids ? "bid" : "ask").decimal(level.price).decimal(level.size);
          line.known(event.ts, 0).number(event.recv_ts);
        }
      }
      break;
    case Kind::candle: {
      const Candle& c = event.candle();
      TextBuffer timeframe;
      append_timeframe(timeframe, c.seconds);
      CsvLine line(out);
      begin(line).text(timeframe.view()).number(c.open_ts);
      line.decimal(c.open).decimal(c.high).decimal(c.low).decimal(c.close).decimal(c.volume);
      line.number(c.closed ? 1 : 0).number(event.recv_ts);
      break;
    }
    case Kind::status: {
      const Status& s = event.status();
      CsvLine line(out);
      begin(line).text(name_of(s.state)).text(name_of(s.integrity)).text(s.reason);
      line.known(s.lag_us, kUnknown).known(s.skew_us, kUnknown).number(event.recv_ts);
      break;
    }
    case Kind::gap: {
      const Gap& g = event.gap();
      CsvLine line(out);
      begin(line).text(name_of(g.channel)).text(g.reason).known(g.from_ts, 0).known(g.to_ts, 0);
      line.known(static_cast<std::int64_t>(g.from_seq), 0).known(static_cast<std::int64_t>(g.to_seq), 0);
      line.known(g.lost, kUnknown).number(event.recv_ts);
      break;
    }
    case Kind::alert:
    case Kind::annotation: {
      const Mark& m = event.mark();
      CsvLine line(out);
      begin(line).text(m.id).text(m.kind).text(m.text).decimal(m.price).text(m.color);
      line.number(m.deleted ? 1 : 0).known(event.ts, 0).number(event.recv_ts);
      break;
    }
    case Kind::raw:
      break;
  }
}

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
    if (options_.format == ExportOptions::Format::csv) out_.raw(header_of(only_));
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
      const auto known = std::find_if(kChoices.begin(), kChoices.end(), [&](const auto& c) { return c.first == name; });
      const std::int32_t seconds = colon == std::string::npos ? 60 : parse_timeframe(text.substr(colon + 1));
      if (known == kChoices.end() || (colon != std::string::npos && (name != "candles" || seconds == 0))) {
        std::vector<std::string> names;
        for (const auto& [choice, value] : kChoices) names.emplace_back(choice);
        throw ConfigError("--channels: unknown channel " + text + did_you_mean(text, names));
      }
      chosen_.insert(known->second);
      only_ = known->second;
      if (known->second == Choice::candles) timeframes_.insert(colon == std::string::npos ? 0 : seconds);
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
    const auto choice = choice_of(event.kind);
    if (!choice || !wanted(*event.instrument)) return;
    if (event.kind == Kind::trades && chosen_.contains(Choice::candles)) build(event);
    if (!chosen_.empty() && !chosen_.contains(*choice)) return;
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
  std::set<Choice> chosen_;
  Choice only_ = Choice::trades;
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

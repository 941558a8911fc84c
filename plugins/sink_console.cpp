// SPDX-License-Identifier: Apache-2.0
// sink_console: events on stdout, as lines for people or as protocol messages (NDJSON) for programs.
#include <bixws/describe.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>
#include <new>
#include <string>

#include "model/event_json.h"
#include "model/time_text.h"

namespace {

using namespace bixws;

constexpr std::size_t kFlushBytes = 64 * 1024;

constexpr Option kOptions[] = {
    {"format", OptionType::string, "table", "table|ndjson: lines for people, or protocol messages"},
    {"exchange", OptionType::string, "", "whose symbols are shown without a prefix; default: the first that is seen"},
};

class ConsoleSink final : public Sink {
 public:
  ConsoleSink(bool json, std::string first_exchange) : json_(json), first_exchange_(std::move(first_exchange)) {}

  int open(Host& host) noexcept override {
    host_ = &host;
    return 0;
  }

  int consume(const Event* events, std::size_t count) noexcept override {
    for (std::size_t i = 0; i < count; ++i) {
      const Event& event = events[i];
      if (event.kind == Kind::raw) continue;
      if (json_) {
        const std::size_t before = out_.size();
        append_message(out_, event, label(*event.instrument));
        if (out_.size() > before) out_.raw('\n');
      } else {
        table(event);
      }
      if (out_.size() >= kFlushBytes && flush() != 0) return 1;
    }
    return 0;
  }

  int flush() noexcept override {
    std::string_view rest = out_.view();
    while (!rest.empty()) {
      const ssize_t written = ::write(STDOUT_FILENO, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        out_.clear();
        host_->log(LogLevel::error, std::string("cannot write to stdout: ") + std::strerror(errno));
        return 1;
      }
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
    out_.clear();
    return 0;
  }

  void close() noexcept override {}

 private:
  std::string label(const Instrument& instrument) {
    if (instrument.symbol.empty()) return {};
    if (first_exchange_.empty()) first_exchange_ = instrument.exchange;
    if (instrument.exchange == first_exchange_) return std::string(instrument.symbol);
    return std::string(instrument.exchange) + ":" + std::string(instrument.symbol);
  }

  void cell(std::string_view text, std::size_t width) {
    out_.raw(text);
    for (std::size_t i = text.size(); i < width; ++i) out_.raw(' ');
    out_.raw(' ');
  }

  void cell(const Decimal& number, std::size_t width) { cell(number.has_value() ? number.to_string() : "-", width); }

  /// Time, symbol, kind; then what belongs to the kind.
  void begin(const Event& event, std::string_view kind) {
    cell(format_rfc3339(event.recv_ts), 27);
    const std::string name = label(*event.instrument);
    cell(name.empty() ? event.instrument->exchange : std::string_view(name), 12);
    cell(kind, 6);
  }

  void end() {
    std::size_t size = out_.size();
    while (size > 0 && out_.data()[size - 1] == ' ') --size;
    out_.shrink_to(size);
    out_.raw('\n');
  }

  void table(const Event& event) {
    switch (event.kind) {
      case Kind::ticker: {
        const Ticker& t = event.ticker();
        begin(event, "ticker");
        cell(t.price, 12);
        cell(t.bid, 12);
        cell(t.ask, 12);
        cell(t.change_24h.has_value() ? t.change_24h.to_string() + "%" : "-", 8);
        return end();
      }
      case Kind::trades:
        for (const Trade& trade : event.trades().list) {
          begin(event, "trade");
          cell(trade.price, 12);
          cell(trade.size, 12);
          cell(name_of(trade.side), 4);
          end();
        }
        return;
      case Kind::book: {
        const BookChange& book = event.book();
        begin(event, "book");
        cell(book.action == BookAction::snapshot ? "snapshot" : "update", 12);
        cell(std::to_string(book.bids.size()) + " bids", 12);
        cell(std::to_string(book.asks.size()) + " asks", 12);
        return end();
      }
      case Kind::candle: {
        const Candle& candle = event.candle();
        begin(event, "candle");
        for (const Decimal* number : {&candle.open, &candle.high, &candle.low, &candle.close, &candle.volume}) {
          cell(*number, 12);
        }
        cell(candle.closed ? "closed" : "", 6);
        return end();
      }
      case Kind::status:
        begin(event, "status");
        cell(name_of(event.status().state), 12);
        cell(event.status().reason, 0);
        return end();
      case Kind::gap:
        begin(event, "gap");
        cell(name_of(event.gap().channel), 12);
        cell(event.gap().reason, 0);
        return end();
      case Kind::alert:
      case Kind::annotation:
        begin(event, event.kind == Kind::alert ? "alert" : "note");
        cell(event.mark().price, 12);
        cell(event.mark().text, 0);
        return end();
      case Kind::raw:
        return;
    }
  }

  bool json_;
  std::string first_exchange_;
  Host* host_ = nullptr;
  TextBuffer out_;
};

Sink* make(const Settings& settings, Error&) noexcept {
  return new (std::nothrow) ConsoleSink(settings.get("format") == "ndjson", std::string(settings.get("exchange")));
}

constexpr Descriptor kDescriptor = describe_sink("console", BIXWS_VERSION, "events on stdout", kOptions, &make);

}  // namespace

BIXWS_EXPORT const bixws::Descriptor* bixws_plugin_v1() noexcept { return &kDescriptor; }

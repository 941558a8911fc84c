// SPDX-License-Identifier: Apache-2.0
// chart: candles of a recording or a running server as a picture, or in the terminal.
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <fstream>

#include "chart/indicators.h"
#include "chart/picture.h"
#include "chart/sources.h"
#include "flags.h"
#include "model/config_error.h"
#include "model/event_json.h"
#include "model/time_text.h"
#include "output.h"
#include "terminal/chart_text.h"
#include "terminal/tty.h"
#include "verbs.h"

namespace bixws::cli {
namespace {

constexpr std::size_t kMostBars = 20'000;

std::string timeframe_problem(const std::string& text) {
  return parse_timeframe(text) > 0 ? "" : "must be a timeframe such as 1s, 1m, 5m, 1h or 1d, not " + text;
}

/// FILE SYMBOL, or --url U SYMBOL: then the one word is the symbol.
chart::Data read(const host::Values& values) {
  const bool one_word = !values.has("symbol");
  if (!one_word && values.origin("url") == "--url") {
    throw ConfigError("chart --url U takes one SYMBOL and no FILE, as bixws chart --url ws://localhost:8765 BTCUSDT");
  }
  if (one_word && !values.given("url")) {
    throw ConfigError("chart takes FILE and SYMBOL, as bixws chart day.db BTCUSDT, or --url U and SYMBOL");
  }
  chart::Wanted wanted;
  wanted.symbol = parse_symbol(values.text(one_word ? "file" : "symbol"));
  wanted.seconds = parse_timeframe(values.text("timeframe"));
  wanted.session = values.integer("session");
  wanted.from = values.text("from");
  wanted.to = values.text("to");
  if (!one_word) return chart::read_recording(values.text("file"), wanted);
  feed::RemoteOptions server;
  server.url = values.text("url");
  server.token = values.text("token");
  server.ca_file = values.text("ca");
  server.insecure = values.on("insecure");
  return chart::ask_server(server, wanted, std::chrono::milliseconds(values.duration("wait") / 1000));
}

/// A prompt and what stands below the chart shall fit too.
terminal::Size chart_size() {
  terminal::Size size = terminal::size_of(STDOUT_FILENO);
  size.height = std::max(size.height - 3, 10);
  return size;
}

/// "SMA 20 50012.4   RSI 14 55.2": what the lines end with, which a terminal's chart has no room to draw.
std::string last_values(const std::vector<chart::Indicator>& indicators, const chart::Data& data) {
  std::string text;
  for (const chart::Indicator& indicator : indicators) {
    text += text.empty() ? "" : "   ";
    text += indicator.name;
    for (const chart::Line& line : chart::lines_of(indicator, data.bars)) {
      char number[64];
      std::snprintf(number, sizeof number, " %.8g", line.back());
      text += std::isnan(line.back()) ? " -" : number;
    }
  }
  return text.empty() ? text : text + "\n";
}

int show(const Call& call, const chart::Data& data, const std::vector<chart::Indicator>& indicators) {
  const std::string& when = call.values.text("color");
  auto capabilities = terminal::detect_capabilities(terminal::terminal_environment(), terminal::ColorChoice::automatic);
  if (!use_color(call.values, STDOUT_FILENO)) {
    capabilities.palette = terminal::Palette::none;
  } else if (when == "always" && capabilities.palette == terminal::Palette::none) {
    capabilities.palette = terminal::Palette::sixteen;
  }
  const Instrument instrument{0, data.exchange, data.symbol};
  std::string text = terminal::chart_text(instrument, data.bars, chart_size(), capabilities);
  text += last_values(indicators, data);
  for (const chart::Hole& hole : data.holes) {
    text += "gap " + format_rfc3339(hole.from) + " to " + format_rfc3339(hole.to) + ": " + hole.reason + "\n";
  }
  return print(text);
}

int save(const std::string& path, const chart::Data& data, chart::PictureOptions options) {
  const bool svg = path.ends_with(".svg");
  if (!svg && !path.ends_with(".png")) throw ConfigError("-o must end with .svg or .png, not " + path);
  options.format = svg ? chart::Format::svg : chart::Format::png;
  const std::string bytes = chart::draw_picture(data, options);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) throw std::runtime_error(path + ": cannot be written");
  std::fprintf(stderr, "wrote %s: %zu candles\n", path.c_str(), data.bars.size());
  return 0;
}

int chart(const Call& call) {
  const host::Values& values = call.values;
  chart::PictureOptions options;
  options.width = static_cast<int>(values.integer("width"));
  options.height = static_cast<int>(values.integer("height"));
  for (const std::string& text : values.list("indicator")) options.indicators.push_back(chart::parse_indicator(text));
  const chart::Data data = read(values);
  if (data.bars.empty()) throw std::runtime_error("there are no trades, candles or prices of " + data.symbol + " then");
  const Micros step = Micros{data.seconds} * 1'000'000;
  if ((data.bars.back().open_ts - data.bars.front().open_ts) / step > static_cast<Micros>(kMostBars)) {
    throw ConfigError(
        "more than 20000 candles do not fit into a picture; give a larger --timeframe, or --from and --to");
  }
  return values.has("output") ? save(values.text("output"), data, options) : show(call, data, options.indicators);
}

}  // namespace

Verb chart_verb() {
  using host::FlagType;
  return {
      .name = "chart",
      .summary = "candles, volume and indicators as a picture",
      .about =
          "From a recording, or from a running server: what it remembers, or else what it has now. Without -o it is "
          "drawn in the terminal. Times without trades stay empty, no line crosses them, and holes that were "
          "recorded as gaps are hatched. Alerts and annotations are shown where they belong.",
      .flags =
          {{.name = "file",
            .value = "FILE",
            .help = "a recording; with --url: left out",
            .positional = true,
            .required = true,
            .configurable = false},
           {.name = "symbol",
            .value = "SYMBOL",
            .help = "BTCUSDT, btc-usdt, kraken:BTCUSD",
            .positional = true,
            .configurable = false},
           {.name = "output",
            .value = "FILE",
            .help = "where the picture goes, out.svg or out.png [default: drawn in the terminal]",
            .letter = 'o',
            .configurable = false},
           {.name = "timeframe", .value = "T", .fallback = "1m", .help = "of a candle", .check = timeframe_problem},
           {.name = "indicator",
            .type = FlagType::words,
            .value = "LIST",
            .help = "sma:20, ema:50, vwap, bb:20:2, rsi:14, macd:12:26:9; separated by commas",
            .check = chart::indicator_problem},
           {.name = "session",
            .type = FlagType::integer,
            .value = "ID",
            .help = "which of the recording's sessions [default: the latest]",
            .least = 1},
           {.name = "from", .value = "T", .help = "begin here: 2026-11-22T21:00:00Z, or +90s from the start"},
           {.name = "to", .value = "T", .help = "end here"},
           {.name = "width",
            .type = FlagType::integer,
            .value = "PIXELS",
            .fallback = "1200",
            .help = "of the picture",
            .least = 200,
            .most = 10'000},
           {.name = "height",
            .type = FlagType::integer,
            .value = "PIXELS",
            .fallback = "675",
            .help = "of the picture",
            .least = 200,
            .most = 10'000},
           {.name = "url", .value = "URL", .help = "ask this server instead of reading a recording"},
           {.name = "wait", .type = FlagType::duration, .value = "D", .fallback = "5s", .help = "for the server"},
           {.name = "token", .value = "T", .help = "what the server wants to know", .secret = true},
           {.name = "ca", .value = "FILE", .help = "trust the certificates signed by this one (PEM)"},
           {.name = "insecure", .type = FlagType::boolean, .help = "trust any certificate"}},
      .examples =
          "  # in the terminal\n"
          "  bixws chart day.db BTCUSDT\n"
          "  # a picture with averages and two panels below\n"
          "  bixws chart day.db BTCUSDT -o btc.svg --timeframe 5m --indicator sma:20,bb:20,rsi:14,macd\n"
          "  # of a running server\n"
          "  bixws chart --url ws://localhost:8765 ETHUSDT -o eth.png\n",
      .run = chart};
}

}  // namespace bixws::cli

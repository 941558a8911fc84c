// SPDX-License-Identifier: Apache-2.0
// Shared flags.
#include "flags.h"

#include <bixws/event.h>

namespace bixws::cli {

using host::Flag;
using host::FlagType;

Flag feed_flag() {
  return {.name = "feed",
          .type = FlagType::list,
          .value = "F",
          .fallback = "binance",
          .help = "where data comes from: name or name:key=value,key=value; may be repeated",
          .more =
              "bixws plugins list shows the feeds there are, bixws plugins info NAME their keys. A comma inside a "
              "value is written \\,"};
}

Flag sink_flag() {
  return {.name = "sink",
          .type = FlagType::list,
          .value = "S",
          .help = "where data goes besides: name or name:key=value,key=value; may be repeated",
          .more = "bixws plugins list shows the sinks there are, bixws plugins info NAME their keys."};
}

Flag symbols_flag() {
  return {.name = "symbols",
          .type = FlagType::words,
          .value = "SYMBOL",
          .help = "what to follow: BTCUSDT, btc-usdt, kraken:BTCUSD [default: BTCUSDT ETHUSDT SOLUSDT ADAUSDT]",
          .positional = true};
}

Flag channels_flag() {
  return {.name = "channels",
          .type = FlagType::words,
          .value = "LIST",
          .fallback = "ticker,trades,book,candles",
          .help = "kinds of data",
          .choices = {"ticker", "trades", "book", "candles"}};
}

Flag duration_flag() {
  return {.name = "duration", .type = FlagType::duration, .value = "D", .help = "stop after this long, as 90s or 2h"};
}

Flag json_flag() { return {.name = "json", .type = FlagType::boolean, .help = "print JSON"}; }

std::uint32_t channel_bits(const std::vector<std::string>& names) {
  std::uint32_t bits = 0;
  for (const std::string& name : names) {
    for (const auto& [known, channel] : {std::pair{"ticker", Channel::ticker}, std::pair{"trades", Channel::trades},
                                         std::pair{"book", Channel::book}, std::pair{"candles", Channel::candle}}) {
      if (name == known) bits |= 1U << static_cast<unsigned>(channel);
    }
  }
  return bits;
}

host::Registry open_registry(const Call& call) {
  auto directories = host::plugin_directories(call.values.list("plugin-dir"));
  for (const std::string& refused : directories.refused) call.log.write(LogLevel::warning, refused);
  return host::Registry(std::move(directories.paths));
}

}  // namespace bixws::cli

// SPDX-License-Identifier: Apache-2.0
// Shared flags.
#include "flags.h"

#include <bixws/event.h>

#include "host/alert_rules.h"
#include "model/config_error.h"

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
              "value is written \\,; as=NAME gives a feed another name, so that one plugin can be two"};
}

Flag sink_flag() {
  return {.name = "sink",
          .type = FlagType::list,
          .value = "S",
          .help = "where data goes besides: name or name:key=value,key=value; may be repeated",
          .more = "bixws plugins list shows the sinks there are, bixws plugins info NAME their keys."};
}

Flag alerts_flag() {
  return {.name = "alerts",
          .type = FlagType::list,
          .value = "RULE",
          .help = "tell when: price:above=100000, move:percent=2,window=5m, ...; may be repeated",
          .more =
              "Rules are price, move, spread, volume, stale and gap. In bixws.yaml each may be a map that begins with "
              "rule: price. docs/alerts.md explains all keys; bixws alerts test shows what a sink makes of one.",
          .check = host::alert_problem,
          .map_name = "rule"};
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

Flag raw_flag() { return {.name = "raw", .type = FlagType::boolean, .help = "keep the exchange's own frames too"}; }

Flag rotate_flag() {
  return {.name = "rotate",
          .value = "D|SIZE",
          .help = "go on in another file every 1h, say, or when one has 100MB",
          .more =
              "At multiples of that time, UTC. A name that is taken gets -2, -3 and so on before its extension. "
              "Each file begins with the state of the market, so none needs the one before it.",
          .check = [](const std::string& text) {
            return recording::parse_rotation(text) ? std::string()
                                                   : "must be a time such as 1h, or a size such as 100MB";
          }};
}

std::optional<recording::Rotation> rotation_of(const host::Values& values) {
  if (!values.has("rotate")) return std::nullopt;
  return recording::parse_rotation(values.text("rotate"));
}

Flag file_flag() {
  return {.name = "file",
          .value = "FILE",
          .help = "a recording",
          .positional = true,
          .required = true,
          .configurable = false};
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

std::vector<Flag> server_flags() {
  return {
      {.name = "host", .value = "HOST", .fallback = "127.0.0.1", .help = "address to listen on; 0.0.0.0: everywhere"},
      {.name = "port",
       .type = FlagType::integer,
       .value = "PORT",
       .fallback = "8765",
       .help = "port to listen on; 0: any free one",
       .most = 65535},
      {.name = "interval",
       .type = FlagType::duration,
       .value = "D",
       .fallback = "100ms",
       .help = "tickers are gathered for so long; 0: sent at once"},
      {.name = "max-batch",
       .type = FlagType::integer,
       .value = "N",
       .help = "messages a send may carry; 1: one send each [default: all that are due]",
       .least = 1},
      {.name = "tick-floor",
       .type = FlagType::duration,
       .value = "D",
       .fallback = "0",
       .help = "least time between two rounds of sends; more of it costs latency and saves CPU; 0: none",
       .more = "Without it a message goes out as soon as the last round is over, together with what came meanwhile."},
      {.name = "io-threads",
       .type = FlagType::integer,
       .value = "N",
       .fallback = "1",
       .help = "threads that send to clients",
       .least = 1,
       .most = 64},
      {.name = "compress", .type = FlagType::boolean, .help = "agree to permessage-deflate"},
      {.name = "token",
       .value = "T",
       .help = "clients must know this",
       .more = "As Authorization: Bearer T, or ?token=T. Others can see a command line: prefer --token-file or "
               "BIXWS_TOKEN.",
       .secret = true},
      {.name = "token-file",
       .value = "FILE",
       .help = "clients must know one of these, one a line; SIGHUP reads it again"},
      {.name = "tls-cert", .value = "FILE", .help = "serve wss:// and https:// with this certificate chain (PEM)"},
      {.name = "tls-key", .value = "FILE", .help = "its private key (PEM)"},
      {.name = "allow-origin",
       .type = FlagType::list,
       .value = "ORIGIN",
       .help = "browsers' pages that may connect besides our own, as https://example.org; *: all; may be repeated"},
      {.name = "max-clients",
       .type = FlagType::integer,
       .value = "N",
       .fallback = "20000",
       .help = "clients at a time",
       .least = 1},
      {.name = "max-clients-per-address",
       .type = FlagType::integer,
       .value = "N",
       .help = "clients at a time from one address [default: 256, this machine's own not counted]",
       .least = 1},
      {.name = "max-subscriptions",
       .type = FlagType::integer,
       .value = "N",
       .fallback = "4096",
       .help = "channels times symbols of one client",
       .least = 1},
      {.name = "max-rate",
       .type = FlagType::integer,
       .value = "N",
       .fallback = "50",
       .help = "messages a second of one client",
       .least = 1,
       .most = 1'000'000},
      {.name = "base-path", .value = "PATH", .help = "serve below this path, as /bixws"},
      {.name = "web-dir",
       .value = "DIR",
       .help = "serve the dashboard's files from here while working on them, as web/assets"},
      {.name = "trust-proxy", .type = FlagType::boolean, .help = "believe X-Forwarded-For, -Host and -Proto"},
  };
}

server::Options server_options(const host::Values& values) {
  server::Options options;
  options.host = values.text("host");
  options.port = static_cast<std::uint16_t>(values.integer("port"));
  options.interval = std::chrono::microseconds(values.duration("interval"));
  options.tick = std::chrono::microseconds(values.duration("tick-floor"));
  options.max_batch = static_cast<std::size_t>(values.integer("max-batch"));
  options.io_threads = static_cast<unsigned>(values.integer("io-threads"));
  options.compress = values.on("compress");
  if (values.has("token")) options.tokens = {values.text("token")};
  options.token_file = values.text("token-file");
  options.tls_cert = values.text("tls-cert");
  options.tls_key = values.text("tls-key");
  options.allowed_origins = values.list("allow-origin");
  options.max_clients = static_cast<std::size_t>(values.integer("max-clients"));
  if (values.has("max-clients-per-address")) {
    options.max_clients_per_address = static_cast<std::size_t>(values.integer("max-clients-per-address"));
  }
  options.max_subscriptions = static_cast<std::size_t>(values.integer("max-subscriptions"));
  options.messages_per_second = static_cast<unsigned>(values.integer("max-rate"));
  options.base_path = values.text("base-path");
  if (options.base_path.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/") !=
      std::string::npos) {
    throw ConfigError("--base-path " + options.base_path + ": a path has letters, digits and - . _ ~ /");
  }
  options.web_dir = values.text("web-dir");
  options.trust_proxy = values.on("trust-proxy");
  return options;
}

host::Registry open_registry(const Call& call) {
  auto directories = host::plugin_directories(call.values.list("plugin-dir"));
  for (const std::string& refused : directories.refused) call.log.write(LogLevel::warning, refused);
  return host::Registry(std::move(directories.paths));
}

}  // namespace bixws::cli

// SPDX-License-Identifier: Apache-2.0
// watch: a running server, live in the terminal; as NDJSON on a pipe.
#include "terminal/watch.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "flags.h"
#include "host/pipeline.h"
#include "host/registry.h"
#include "host/signals.h"
#include "host/symbols.h"
#include "model/clock.h"
#include "model/config_error.h"
#include "model/symbol.h"
#include "net/ws_handshake.h"
#include "terminal/tty.h"
#include "verbs.h"

namespace bixws::cli {
namespace {

using host::FlagType;

std::vector<terminal::View> views_of(const std::vector<std::string>& names) {
  std::vector<terminal::View> views;
  for (const std::string& name : names) {
    for (const terminal::View view : terminal::kViews) {
      if (terminal::name_of(view) == name) views.push_back(view);
    }
  }
  return views;
}

terminal::ColorChoice color_of(const host::Values& values) {
  const std::string& when = values.text("color");
  return when == "always"  ? terminal::ColorChoice::always
         : when == "never" ? terminal::ColorChoice::never
                           : terminal::ColorChoice::automatic;
}

terminal::WatchOptions options_of(const Call& call) {
  const host::Values& values = call.values;
  terminal::WatchOptions options;
  options.remote.url = values.text("url");
  options.remote.token = values.text("token");
  options.remote.ca_file = values.text("ca");
  options.remote.insecure = values.on("insecure");
  options.remote.reconnect = !values.on("no-reconnect");
  options.remote.reconnect_delay = std::chrono::microseconds(values.duration("reconnect-delay"));
  options.symbols = values.list("symbols");
  for (const std::string& symbol : options.symbols) parse_symbol(symbol);
  options.views = views_of(values.list("view"));
  options.once = values.on("once");
  options.count = static_cast<std::uint64_t>(values.has("count") ? values.integer("count") : 0);
  options.duration = values.duration("duration");
  options.note = [&log = call.log](std::string_view text) { log.write(LogLevel::info, text); };
  options.divert_log = [&log = call.log](std::function<void(std::string_view)> to) {
    if (!to) return log.redirect({});
    log.redirect([to = std::move(to)](LogLevel, std::string_view text) { to(text); });
  };
  options.clock = [] { return SystemClock().now(); };
  return options;
}

/// Keys come from the terminal even when stdin does not: `echo BTCUSDT | xargs bixws watch`.
class Keyboard {
 public:
  Keyboard() : fd_(isatty(STDIN_FILENO) == 1 ? STDIN_FILENO : ::open("/dev/tty", O_RDWR | O_CLOEXEC)) {}
  ~Keyboard() {
    if (fd_ > STDIN_FILENO) ::close(fd_);
  }
  Keyboard(const Keyboard&) = delete;
  Keyboard& operator=(const Keyboard&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

terminal::WatchEnd run(const Call& call, const terminal::WatchOptions& options, int stop_fd) {
  const bool lines = call.values.on("json") || options.once || options.count != 0 || isatty(STDOUT_FILENO) != 1;
  if (lines) return terminal::watch_lines(options, STDOUT_FILENO, stop_fd);
  const auto capabilities = terminal::detect_capabilities(terminal::terminal_environment(), color_of(call.values));
  const Keyboard keyboard;
  if (!capabilities.full_screen || keyboard.fd() < 0) {
    return terminal::watch_plain(options, STDOUT_FILENO, stop_fd);
  }
  return terminal::watch_screen(options, capabilities, keyboard.fd(), STDOUT_FILENO, stop_fd);
}

/// The same protocol from a server of our own, which nobody else can use.
int watch_feeds(const Call& call) {
  const host::Values& values = call.values;
  if (values.given("url")) throw ConfigError("give --url for a running server or --feed for none, not both");
  terminal::WatchOptions options = options_of(call);
  host::PipelineOptions pipeline;
  pipeline.version = BIXWS_VERSION;
  pipeline.feeds = values.list("feed");
  pipeline.symbols = std::exchange(options.symbols, {});
  pipeline.wait_clients = 1;
  pipeline.server.emplace();
  pipeline.server->host = "127.0.0.1";
  pipeline.server->port = 0;
  pipeline.server->tokens = {net::make_ws_key()};
  options.remote.token = pipeline.server->tokens.front();
  options.remote.reconnect = false;
  if (options.once) {
    options.once_symbols =
        pipeline.symbols.empty() ? host::default_symbols().size() * pipeline.feeds.size() : pipeline.symbols.size();
  }
  terminal::WatchEnd end;
  pipeline.attend = [&](const std::string& url, int stop_fd) {
    options.remote.url = url;
    end = run(call, options, stop_fd);
    return end.exit_code;
  };
  host::Registry registry = open_registry(call);
  const int code = host::run_pipeline(pipeline, registry, call.log);
  if (!end.message.empty()) std::fprintf(stderr, "bixws: %s\n", end.message.c_str());
  return code;
}

int watch(const Call& call) {
  host::Signals::before_forced_exit(terminal::restore_terminal);
  if (call.values.given("feed")) return watch_feeds(call);
  const terminal::WatchOptions options = options_of(call);
  const host::Signals signals;  // before any thread
  const terminal::WatchEnd end = run(call, options, signals.fd());
  if (!end.message.empty()) std::fprintf(stderr, "bixws: %s\n", end.message.c_str());
  return end.exit_code;
}

}  // namespace

Verb watch_verb() {
  host::Flag symbols = symbols_flag();
  host::Flag feed = feed_flag();
  feed.fallback.clear();
  feed.help = "no server: straight from this source; may be repeated";
  feed.configurable = false;  // one in a config file is meant for serve
  symbols.help = "what to follow: BTCUSDT, btc-usdt, kraken:BTCUSD [default: all that the server has]";
  return {
      .name = "watch",
      .summary = "live in the terminal; NDJSON on a pipe",
      .about =
          "On a terminal a live screen; press ? in it for its keys. On a pipe one protocol message a line. A server "
          "that goes away is tried again every 5 s; what is shown meanwhile is marked as stale.",
      .flags = {{.name = "url",
                 .value = "URL",
                 .fallback = "ws://localhost:8765",
                 .help = "the server; every address of the name is tried"},
                feed,
                {.name = "view",
                 .type = FlagType::words,
                 .value = "LIST",
                 .help = "what to show, side by side where there is room",
                 .choices = {"table", "trades", "book", "chart"}},
                {.name = "json", .type = FlagType::boolean, .help = "NDJSON on a terminal too"},
                {.name = "once", .type = FlagType::boolean, .help = "print the first initial_data, then exit"},
                {.name = "count",
                 .type = FlagType::integer,
                 .value = "N",
                 .help = "print this many messages, then exit",
                 .letter = 'n',
                 .least = 1},
                duration_flag(),
                {.name = "token", .value = "T", .help = "what the server wants to see", .secret = true},
                {.name = "ca", .value = "FILE", .help = "PEM file of who is trusted, instead of the system's"},
                {.name = "insecure", .type = FlagType::boolean, .help = "do not check the server's certificate"},
                {.name = "no-reconnect", .type = FlagType::boolean, .help = "end when the connection is lost"},
                {.name = "reconnect-delay",
                 .type = FlagType::duration,
                 .value = "D",
                 .fallback = "5s",
                 .help = "time between two attempts"},
                symbols},
      .examples =
          "  # what the server has, live\n"
          "  bixws watch\n"
          "  # trades and order book of one symbol, side by side\n"
          "  bixws watch --view book,trades BTCUSDT\n"
          "  # without a server\n"
          "  bixws watch --feed sim\n"
          "  # the price of one symbol, once\n"
          "  bixws watch --once BTCUSDT | jq '.data.BTCUSDT.price'\n",
      .run = watch};
}

}  // namespace bixws::cli

// SPDX-License-Identifier: Apache-2.0
// top: a running server's figures, live.
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <optional>

#include "flags.h"
#include "host/server_figures.h"
#include "host/signals.h"
#include "model/config_error.h"
#include "net/fetch.h"
#include "output.h"
#include "verbs.h"

namespace bixws::cli {
namespace {

using host::ServerFigures;

/// Where a server of that address has its pages.
net::Url page_url(const std::string& url, const std::string& page) {
  const std::string with_scheme = url.find("://") == std::string::npos ? "ws://" + url : url;
  try {
    net::Url parsed = net::parse_url(with_scheme);
    parsed.scheme = parsed.tls() ? "https" : "http";
    std::string path = parsed.target.substr(0, parsed.target.find('?'));
    while (path.ends_with('/')) path.pop_back();
    parsed.target = path + page;
    return parsed;
  } catch (const std::runtime_error& e) {
    throw ConfigError(e.what());
  }
}

class Watcher {
 public:
  explicit Watcher(const host::Values& values)
      : url_(values.text("url")), metrics_(page_url(url_, "/metrics")), health_(page_url(url_, "/healthz")) {
    options_.timeout = std::chrono::seconds(5);
    if (values.has("ca") || values.on("insecure")) {
      options_.connect.tls =
          std::make_shared<net::TlsClientContext>(net::TlsClientOptions{values.text("ca"), values.on("insecure")});
    }
    if (values.has("token")) headers_.add("Authorization", "Bearer " + values.text("token"));
  }

  [[nodiscard]] ServerFigures look() const {
    ServerFigures figures;
    figures.at = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    const net::HttpReply metrics = net::fetch(metrics_, options_, headers_);
    if (!metrics.ok()) {
      figures.problem = metrics.text();
      return figures;
    }
    figures.samples = host::parse_metrics(metrics.body);
    const net::HttpReply health = net::fetch(health_, options_, headers_);
    figures.healthy = health.ok();
    if (!health.ok()) figures.reasons = host::health_reasons(health.failure ? health.failure->text : health.body);
    return figures;
  }
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  std::string url_;
  net::Url metrics_, health_;
  net::HttpClientOptions options_;
  net::Headers headers_;
};

/// The terminal's other screen for as long as this lives.
class OtherScreen {
 public:
  OtherScreen() { put("\x1b[?1049h\x1b[?25l"); }
  ~OtherScreen() { restore(); }
  OtherScreen(const OtherScreen&) = delete;
  OtherScreen& operator=(const OtherScreen&) = delete;
  static void restore() noexcept { put("\x1b[?25h\x1b[?1049l"); }

 private:
  /// Also in signal handlers.
  static void put(std::string_view text) noexcept {
    [[maybe_unused]] const auto written = ::write(STDOUT_FILENO, text.data(), text.size());
  }
};

int top(const Call& call) {
  const host::Values& values = call.values;
  const bool json = values.on("json");
  const bool live = !json && isatty(STDOUT_FILENO) == 1 && !values.has("count");
  const std::int64_t count = values.has("count") ? values.integer("count") : live || json ? INT64_MAX : 1;
  const Watcher watcher(values);
  const host::Signals signals;
  std::optional<OtherScreen> screen;
  std::optional<ServerFigures> before;
  for (std::int64_t i = 0; i < count; ++i) {
    ServerFigures now = watcher.look();
    // Without a first answer there is nothing to watch; later it may come back.
    if (!now.problem.empty() && !before) throw std::runtime_error(now.problem);
    if (live && !screen) {
      host::Signals::before_forced_exit(OtherScreen::restore);
      screen.emplace();
    }
    const ServerFigures* old = before ? &*before : nullptr;
    const std::string text = json ? host::top_json(now, old, watcher.url()) : host::top_text(now, old, watcher.url());
    if (const int failed = print((live ? "\x1b[H\x1b[J" : "") + text); failed != 0) return failed;
    if (now.problem.empty() || !before) before = std::move(now);
    pollfd stop{signals.fd(), POLLIN, 0};
    if (i + 1 < count && ::poll(&stop, 1, static_cast<int>(values.duration("interval") / 1000)) > 0) break;
  }
  return 0;
}

}  // namespace

Verb top_verb() {
  return {
      .name = "top",
      .summary = "a running server's clients, flow, lag and losses, live",
      .about =
          "Reads the server's /metrics and /healthz. On a terminal it is drawn anew each interval until Ctrl-C; on a "
          "pipe it prints once, or so many times as -n says. Figures that tell of trouble are marked with an "
          "exclamation mark.",
      .flags = {{.name = "url", .value = "URL", .fallback = "ws://localhost:8765", .help = "which server"},
                {.name = "interval",
                 .type = host::FlagType::duration,
                 .value = "D",
                 .fallback = "1s",
                 .help = "between two looks",
                 .configurable = false},
                {.name = "count",
                 .type = host::FlagType::integer,
                 .value = "N",
                 .help = "end after so many looks",
                 .letter = 'n',
                 .least = 1,
                 .configurable = false},
                {.name = "json", .type = host::FlagType::boolean, .help = "print a line of JSON for each look"},
                {.name = "token", .value = "T", .help = "what the server wants to know", .secret = true},
                {.name = "ca", .value = "FILE", .help = "trust the certificates signed by this one (PEM)"},
                {.name = "insecure", .type = host::FlagType::boolean, .help = "trust any certificate"}},
      .examples =
          "  # how is it doing?\n"
          "  bixws top\n"
          "  # messages a second, for a script\n"
          "  bixws top --json -n 2 | tail -1 | jq .messages_sent_per_s\n",
      .run = top};
}

}  // namespace bixws::cli

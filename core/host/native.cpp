// SPDX-License-Identifier: Apache-2.0
// run_native: wiring.
#include "host/native.h"

#include <bixws/stop_signal.h>
#include <poll.h>

#include <cstdio>
#include <mutex>

#include "host/signals.h"
#include "host/spec.h"
#include "model/config_error.h"

namespace bixws::host {
namespace {

std::unique_ptr<native::Exchange> exchange_for(const std::string& name, Registry& registry) {
  const Descriptor& plugin = registry.load("feed", name);
  std::unique_ptr<Venue> venue(registry.venue(name));
  if (!venue || plugin.make_dialect == nullptr) {
    throw ConfigError("--native: the feed plugin " + name + " cannot speak as the exchange does, only listen to it");
  }
  const SpecSettings settings(parse_spec(name), {"feed " + name, {plugin.options, plugin.option_count}, {}, 0});
  Error error{};
  std::unique_ptr<Dialect> dialect(plugin.make_dialect(settings, error));
  if (dialect == nullptr) throw ConfigError("feed " + name + ": " + error.text);
  return std::make_unique<native::Exchange>(std::move(venue), std::move(dialect));
}

}  // namespace

int run_native(NativeRequest request, Registry& registry, Log& log) {
  Signals signals;  // before any thread
  native::NativeOptions& options = request.options;
  options.exchange = native::exchange_of(options.playback.path, options.playback.session, options.exchange);
  if (request.tls_cert.empty() != request.tls_key.empty()) {
    throw ConfigError("--tls-cert and --tls-key belong together");
  }
  if (!request.tls_cert.empty()) {
    options.tls = std::make_shared<const net::TlsServerContext>(request.tls_cert, request.tls_key);
  }
  options.log = [&log](std::string_view text) { log.write(LogLevel::info, text); };
  const bool secure = options.tls != nullptr;
  std::string host = options.host.empty() ? "0.0.0.0" : options.host;
  if (host.find(':') != std::string::npos && host.front() != '[') host = "[" + host + "]";
  auto exchange = exchange_for(options.exchange, registry);

  StopSignal over;
  std::mutex mutex;
  std::string damage;
  native::NativeReplay replay(std::move(options), std::move(exchange));
  const std::string address = host + ":" + std::to_string(replay.port());
  std::fprintf(stderr, "listening on %s://%s\nREST on %s://%s\n", secure ? "wss" : "ws", address.c_str(),
               secure ? "https" : "http", address.c_str());
  replay.start([&](const std::string& error) {
    const std::lock_guard lock(mutex);
    damage = error;
    over.set();
  });
  pollfd fds[] = {{signals.fd(), POLLIN, 0}, {over.fd(), POLLIN, 0}};
  while (::poll(fds, 2, -1) <= 0) {
  }
  replay.stop();
  const std::lock_guard lock(mutex);
  if (damage.empty()) return 0;
  log.write(LogLevel::error, damage);
  return 1;
}

}  // namespace bixws::host

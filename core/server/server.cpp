// SPDX-License-Identifier: Apache-2.0
// Server: the parts, their order of life, and the pages.
#include "server/server.h"

#include <condition_variable>
#include <future>
#include <mutex>

#include "model/config_error.h"
#include "net/tls.h"
#include "net/transport.h"
#include "server/doors.h"
#include "server/history_desk.h"
#include "server/metrics.h"
#include "server/pages.h"
#include "server/publisher.h"
#include "server/server_loop.h"

namespace bixws::server {

struct Server::Parts {
  Parts(hub::Hub& hub_, const Instruments& instruments, Options options_)
      : options(std::move(options_)),
        hub(hub_),
        labels(std::make_shared<Labels>(instruments, options.first_exchange)),
        doors(options),
        assets(options.web_dir),
        common{
            options, hub,   *labels,
            labels,  doors, std::make_shared<Publisher>(hub, labels, options.resume_bytes, options.max_subscriptions),
            nullptr, {},    {}} {}

  void end(const Farewell& farewell);

  Options options;
  hub::Hub& hub;
  std::shared_ptr<Labels> labels;
  Doors doors;
  Assets assets;
  std::shared_ptr<net::TlsServerContext> tls;
  Common common;
  std::vector<std::unique_ptr<ServerLoop>> loops;
  std::uint16_t port = 0;
  bool listens = false;
  bool started = false;
  bool stopped = false;
};

Server::Server(hub::Hub& hub, const Instruments& instruments, Options options) {
  if (options.tls_cert.empty() != options.tls_key.empty()) {
    throw ConfigError(options.tls_cert.empty() ? "a TLS key without a certificate; give --tls-cert too"
                                               : "a TLS certificate without a key; give --tls-key too");
  }
  if (options.io_threads < 1 || options.io_threads > 64) throw ConfigError("io-threads must be from 1 to 64");
  while (options.base_path.ends_with('/')) options.base_path.pop_back();
  if (!options.base_path.empty() && !options.base_path.starts_with('/')) options.base_path.insert(0, "/");
  parts_ = std::make_unique<Parts>(hub, instruments, std::move(options));
  const Options& kept = parts_->options;
  if (!kept.tls_cert.empty()) {
    parts_->tls = std::make_shared<net::TlsServerContext>(kept.tls_cert, kept.tls_key);
    parts_->common.tls = parts_->tls;
  }
  parts_->common.page = [this](const net::HttpRequest& request, std::string_view path) {
    return page_for(*this, parts_->assets, request, path, parts_->options.version);
  };
  parts_->common.asset = [this](const net::HttpRequest& request, std::string_view path) {
    return dashboard_page(parts_->assets, request, path);
  };
  for (unsigned i = 0; i < kept.io_threads; ++i) {
    parts_->loops.push_back(std::make_unique<ServerLoop>(parts_->common, i));
    parts_->common.publisher->add_loop(parts_->loops.back()->inbox());
  }
  const ChaosOptions& chaos = kept.chaos;
  if (chaos.any()) parts_->common.publisher->set_chaos(chaos, kept.log);
  parts_->common.desk = std::make_shared<HistoryDesk>(
      kept.history,
      [&hub, heard = std::weak_ptr<Publisher>(parts_->common.publisher)](const ClientKey& client, std::string payload) {
        hub.post([heard, client, payload = std::move(payload)](market::Market& market) {
          if (const auto publisher = heard.lock()) publisher->tell(client, payload, market);
        });
      },
      [log = kept.log](std::string_view text) {
        if (log) log(text);
      });
  parts_->common.publisher->set_desk(
      [desk = parts_->common.desk](HistoryJob job) { return desk->ask(std::move(job)); });
  hub.attach(parts_->common.publisher);
}

Server::~Server() { stop(net::Duration::zero()); }

void Server::set_first_exchange(std::string exchange) { parts_->labels->set_first_exchange(std::move(exchange)); }

void Server::listen() {
  net::raise_file_limit();
  parts_->port = parts_->options.port;
  const bool shared = parts_->loops.size() > 1;
  for (auto& loop : parts_->loops) parts_->port = loop->listen(parts_->port, shared);
  parts_->listens = true;
}

void Server::start() {
  if (!parts_->listens) listen();
  for (auto& loop : parts_->loops) loop->start();
  parts_->started = true;
}

std::uint16_t Server::port() const { return parts_->port; }

std::string Server::url() const {
  const Options& options = parts_->options;
  std::string host = options.host.empty() ? "0.0.0.0" : options.host;
  if (host.find(':') != std::string::npos && host.front() != '[') host = "[" + host + "]";
  return (parts_->tls ? "wss://" : "ws://") + host + ":" + std::to_string(parts_->port) + options.base_path;
}

std::string Server::warning() const {
  const Options& options = parts_->options;
  if (parts_->doors.needs_token() || options.host == "localhost") return {};
  const auto address = net::Address::parse(options.host, 0);
  if (address && address->loopback()) return {};
  return "listening on " + (options.host.empty() ? "every interface" : options.host) +
         " without a token: whoever reaches this port can read everything; set --token or --token-file";
}

void Server::hurry(net::Duration patience) {
  for (auto& loop : parts_->loops) loop->hurry(patience);
}

void Server::stop(net::Duration deadline) { parts_->end({1001, "server is stopping", deadline, false}); }

void Server::finish() { parts_->end({1000, "ended", parts_->options.hold_deadline, true}); }

void Server::Parts::end(const Farewell& farewell) {
  if (stopped) return;
  stopped = true;
  common.desk->stop();
  if (started) {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t left = loops.size();
    for (auto& loop : loops) {
      loop->drain(farewell, [&] {
        const std::lock_guard lock(mutex);
        --left;
        changed.notify_one();
      });
    }
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return left == 0; });
  }
  common.publisher->detach();
  for (auto& loop : loops) loop->stop();
}

void Server::reload() {
  parts_->doors.reload();
  if (parts_->tls) parts_->tls->reload();
}

std::size_t Server::clients() const { return parts_->doors.clients(); }

std::size_t Server::ready_clients() const {
  std::size_t total = 0;
  for (const auto& loop : parts_->loops) total += loop->counted().ready.load(std::memory_order_acquire);
  return total;
}

void Server::settle() {
  for (auto& loop : parts_->loops) {
    std::promise<void> done;
    loop->after_a_turn([&done] { done.set_value(); });
    done.get_future().wait();
  }
}

void Server::cut_clients() {
  for (auto& loop : parts_->loops) {
    std::promise<void> done;
    loop->cut_clients([&done] { done.set_value(); });
    done.get_future().wait();
  }
}

std::vector<std::string> Server::ailments() const {
  std::vector<std::string> reasons = parts_->common.publisher->ailments();
  if (parts_->options.health) {
    for (std::string& reason : parts_->options.health()) reasons.push_back(std::move(reason));
  }
  return reasons;
}

std::string Server::metrics() const {
  MetricsText out;
  out.gauge("bixws_info", "Always 1; the label tells the version.", std::int64_t{1},
            {{"version", parts_->options.version}});
  out.gauge("bixws_clients", "WebSocket clients connected.", static_cast<std::int64_t>(clients()));
  const auto sum = [this](auto&& value) {
    std::uint64_t total = 0;
    for (const auto& loop : parts_->loops) total += value(*loop);
    return total;
  };
  const auto load = [](const auto& counter) { return counter.load(std::memory_order_relaxed); };
  const auto loop_counter = [&](const char* name, const char* help, auto member) {
    out.counter(name, help, sum([&](const ServerLoop& loop) { return load(loop.counted().*member); }));
  };
  const auto fan_counter = [&](const char* name, const char* help, auto member) {
    out.counter(name, help, sum([&](const ServerLoop& loop) { return load(loop.fanned().*member); }));
  };
  loop_counter("bixws_clients_accepted_total", "WebSocket clients accepted.", &LoopCounters::accepted);
  loop_counter("bixws_clients_refused_total", "Requests refused for token, origin or a cap.", &LoopCounters::refused);
  loop_counter("bixws_http_requests_total", "HTTP requests, upgrades included.", &LoopCounters::requests);
  loop_counter("bixws_messages_received_total", "Messages from clients.", &LoopCounters::received);
  loop_counter("bixws_errors_sent_total", "Error messages to clients.", &LoopCounters::errors);
  fan_counter("bixws_sends_total", "Sends to client sockets.", &FanoutCounters::sends);
  fan_counter("bixws_messages_sent_total", "Messages due to clients.", &FanoutCounters::messages);
  fan_counter("bixws_bytes_sent_total", "Bytes taken by client sockets.", &FanoutCounters::bytes);
  fan_counter("bixws_sweeps_total", "Rounds over the clients.", &FanoutCounters::sweeps);
  fan_counter("bixws_sends_blocked_total", "Sends that a full socket did not take whole.", &FanoutCounters::blocked);
  fan_counter("bixws_conflations_total", "Slow clients given fresh state instead of what they missed.",
              &FanoutCounters::refreshes);
  fan_counter("bixws_client_gaps_total", "Gap messages sent to slow clients.", &FanoutCounters::gaps);
  fan_counter("bixws_messages_dropped_total", "Messages dropped for slow clients.", &FanoutCounters::dropped);
  fan_counter("bixws_slow_consumers_total", "Clients closed with 1013.", &FanoutCounters::slow_consumers);
  constexpr const char* kDrops =
      "What clients that were behind did not get: messages dropped, states conflated, connections closed.";
  for (const auto& [policy, counted] : {std::pair{Policy::conflate, &FanoutCounters::refreshes},
                                        std::pair{Policy::drop_oldest, &FanoutCounters::dropped},
                                        std::pair{Policy::lossless, &FanoutCounters::slow_consumers}}) {
    const auto member = counted;  // clang 14 captures no structured binding
    out.counter("bixws_drops_total", kDrops, sum([&](const ServerLoop& loop) { return load(loop.fanned().*member); }),
                {{"policy", name_of(policy)}});
  }
  fan_counter("bixws_messages_compressed_total", "Messages compressed, each once for all its clients.",
              &FanoutCounters::squeezed);
  fan_counter("bixws_compression_saved_bytes_total", "Bytes by which that made them smaller, each message once.",
              &FanoutCounters::saved);
  const auto gauge = [&](const char* name, const char* help, std::uint64_t value) {
    out.gauge(name, help, static_cast<std::int64_t>(value));
  };
  gauge("bixws_client_backlog_bytes", "Bytes held for clients that are behind.",
        sum([&](const ServerLoop& loop) { return load(loop.fanned().backlog); }));
  gauge("bixws_clients_behind", "Clients that are behind.",
        sum([&](const ServerLoop& loop) { return load(loop.fanned().laggards); }));
  gauge("bixws_loop_queue_bytes", "Encoded bytes waiting for the server's loops.",
        sum([](const ServerLoop& loop) { return loop.queued_bytes(); }));
  out.counter("bixws_turned_away_total", "Connections closed because no descriptor was left.",
              sum([](const ServerLoop& loop) { return loop.turned_away(); }));
  out.counter("bixws_hub_events_total", "Events through the hub.", parts_->hub.events());
  gauge("bixws_hub_queue_bytes", "Bytes waiting in the hub.", parts_->hub.queued_bytes());
  out.counter("bixws_messages_encoded_total", "Messages encoded, each once per topic.",
              parts_->common.publisher->encoded());
  Histogram delay;
  for (const auto& loop : parts_->loops) delay.add(loop->fanned().delay);
  delay.write(out, "bixws_recv_to_send_seconds",
              "From a message's receipt to the end of the round of sends that carried it, once per client.");
  write_process_metrics(out);
  std::string text = out.take();
  if (parts_->options.metrics) text += parts_->options.metrics();
  return text;
}

}  // namespace bixws::server

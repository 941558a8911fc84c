// SPDX-License-Identifier: Apache-2.0
// Swarm: one epoll, one buffer, one pass through the phases of a run.
#include "swarm.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "handshake.h"
#include "process.h"

namespace bixws::bench {
namespace {

constexpr int kStalledBuffer = 4096;  // SO_RCVBUF of those that stall: the server feels it soon
constexpr double kLeaveSeconds = 2;
constexpr int kPerAddress = 10000;  // clients; one address has 28,000 ports, and old ones rest for a minute

class Swarm {
 public:
  explicit Swarm(const SwarmOptions& options)
      : options_(options), clients_(static_cast<std::size_t>(options.clients)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) throw std::runtime_error("epoll_create1 failed");
  }
  ~Swarm() { ::close(epoll_); }
  Swarm(const Swarm&) = delete;
  Swarm& operator=(const Swarm&) = delete;

  SwarmReport run() {
    report_.before = read();
    connect_all();
    if (report_.connected != options_.clients) return finish();
    subscribe_all();
    listen();
    if (options_.stalled > 0) drain();
    leave();
    return finish();
  }

 private:
  enum class State : std::uint8_t { unused, connecting, shaking, open, ended };
  struct Client {
    Link link;
    Stream stream;
    std::string head;
    double began = 0;
    State state = State::unused;
    bool stalled = false;
    bool told = false;  // a stalled one has learned what it missed
  };

  // ---- phases ----

  void connect_all() {
    const double began = steady_seconds();
    std::size_t next = 0;
    while (settled_ < clients_.size() && steady_seconds() - began < options_.connect_seconds) {
      while (next < clients_.size() && pending_ < options_.parallel) connect(next++);
      wait(0.05);
    }
    report_.connect_time = steady_seconds() - began;
    for (Client& client : clients_) {
      if (client.state != State::open && client.state != State::ended) end(client, "not connected in time");
    }
    pause(0.3);  // what a server does for newcomers is over
    report_.idle = read();
  }

  void subscribe_all() {
    if (!options_.subscribe.empty()) {
      const std::string frame = client_frame(1, options_.subscribe);
      for (Client& client : clients_) {
        if (client.state == State::open && client.link.send(frame) != Link::Io::ok) end(client, "cannot subscribe");
      }
    }
    const double deadline = steady_seconds() + options_.connect_seconds;
    const auto silent = [](const Client& client) {
      return client.state == State::open && client.stream.messages() == 0;
    };
    while (options_.expects_data && steady_seconds() < deadline &&
           std::any_of(clients_.begin(), clients_.end(), silent)) {
      wait(0.01);
    }
    if (options_.expects_data && std::any_of(clients_.begin(), clients_.end(), silent)) complain("no data came");
    pause(options_.warmup);
  }

  void listen() {
    for (Client& client : clients_) client.stream.restart_count();
    report_.tally.measuring = true;
    report_.receives = 0;
    report_.begin = read();
    const double begin = report_.begin.at;
    double sampled = begin;
    bool stalled = options_.stalled == 0;
    for (double now = begin; now - begin < options_.seconds; now = steady_seconds()) {
      wait(0.01);
      if (!stalled && now - begin >= options_.stall_after) {
        stalled = true;
        stall();
      }
      if (now - sampled >= 0.1) {
        sampled = now;
        report_.peak_resident = std::max(report_.peak_resident, resident_kib(options_.server));
        report_.peak_tcp = std::max(report_.peak_tcp, tcp_kib());
      }
    }
    report_.end = read();
    report_.tally.measuring = false;
    if (options_.stalled > 0) std::swap(report_.tally.latency, report_.stalled_latency);
    report_.fewest = UINT64_MAX;
    for (const Client& client : clients_) {
      if (client.stalled || client.state != State::open) continue;
      report_.fewest = std::min(report_.fewest, client.stream.messages());
      report_.most = std::max(report_.most, client.stream.messages());
    }
  }

  void stall() {
    report_.stall = read();
    std::swap(report_.tally.latency, report_.stalled_latency);
    for (std::size_t i = clients_.size() - static_cast<std::size_t>(options_.stalled); i < clients_.size(); ++i) {
      clients_[i].stalled = true;
      watch(clients_[i], 0, EPOLL_CTL_MOD);
    }
  }

  // Those that stalled read what waits for them: a message that tells of the loss, or the end.
  void drain() {
    for (Client& client : clients_) {
      if (client.stalled && client.state == State::open) watch(client, EPOLLIN, EPOLL_CTL_MOD);
    }
    const double deadline = steady_seconds() + options_.drain_seconds;
    const auto waits = [](const Client& client) {
      return client.stalled && client.state == State::open && !client.told;
    };
    while (steady_seconds() < deadline && std::any_of(clients_.begin(), clients_.end(), waits)) wait(0.01);
    for (const Client& client : clients_) {
      if (waits(client)) ++report_.stalled["told nothing"];
    }
  }

  void leave() {
    leaving_ = true;
    const std::string bye = client_frame(8, std::string_view("\x03\xe8", 2));
    for (Client& client : clients_) {
      if (client.state == State::open && client.link.send(bye) != Link::Io::ok) end(client, "");
    }
    const double deadline = steady_seconds() + kLeaveSeconds;
    const auto open = [](const Client& client) { return client.state == State::open; };
    while (steady_seconds() < deadline && std::any_of(clients_.begin(), clients_.end(), open)) wait(0.01);
  }

  SwarmReport finish() {
    if (!report_.tally.complaint.empty()) complain(report_.tally.complaint);
    if (report_.tally.holes > 0) complain(std::to_string(report_.tally.holes) + " holes that no gap message tells of");
    if (!report_.lost.empty()) complain("lost clients: " + report_.lost.begin()->first);
    return std::move(report_);
  }

  // ---- one client ----

  void connect(std::size_t index) {
    Client& client = clients_[index];
    const auto first_stalled = clients_.size() - static_cast<std::size_t>(options_.stalled);
    client.began = steady_seconds();
    client.state = State::connecting;
    ++pending_;
    if (!client.link.open(options_.target, static_cast<std::uint32_t>(index / kPerAddress),
                          index >= first_stalled ? kStalledBuffer : 0)) {
      return end(client, "cannot connect");
    }
    watch(client, EPOLLOUT | EPOLLIN, EPOLL_CTL_ADD);
  }

  void watch(Client& client, std::uint32_t events, int operation) const {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &client;
    ::epoll_ctl(epoll_, operation, client.link.fd(), &event);
  }

  void serve(Client& client) {
    if (client.state == State::connecting) {
      const Link::Io outcome = client.link.secure();
      if (outcome == Link::Io::ended) return end(client, "refused");
      if (outcome == Link::Io::again) return watch(client, EPOLLIN, EPOLL_CTL_MOD);
      client.state = State::shaking;
      watch(client, EPOLLIN, EPOLL_CTL_MOD);
      if (client.link.send(handshake_request(options_.target.path)) != Link::Io::ok) end(client, "refused");
      return;
    }
    std::size_t bytes = 0;
    switch (client.link.receive(buffer_, bytes)) {
      case Link::Io::again:
        return;
      case Link::Io::ended:
        return ended(client);
      case Link::Io::ok:
        break;
    }
    std::string_view got(buffer_.data(), bytes);
    if (client.state == State::shaking) {
      client.head += got;
      const std::size_t end_of_head = client.head.find("\r\n\r\n");
      if (end_of_head == std::string::npos) return;
      if (const std::string wrong = check_handshake(client.head); !wrong.empty()) return end(client, wrong);
      client.state = State::open;
      --pending_;
      ++settled_;
      ++report_.connected;
      report_.handshake.add(static_cast<std::int64_t>((steady_seconds() - client.began) * 1e6));
      const std::string rest = client.head.substr(end_of_head + 4);
      std::string().swap(client.head);
      if (!rest.empty()) take(client, rest);
      return;
    }
    if (report_.tally.measuring) ++report_.receives;
    take(client, got);
  }

  void take(Client& client, std::string_view bytes) {
    reply_.clear();
    const std::uint64_t gaps = report_.tally.gaps;
    const Stream::Outcome outcome = client.stream.take(bytes, wall_us(), report_.tally, reply_);
    if (client.stalled && !client.told && report_.tally.gaps > gaps) {
      client.told = true;
      ++report_.stalled["told by gap"];
    }
    if (outcome != Stream::Outcome::more) return ended(client);
    if (!reply_.empty() && client.link.send(reply_) != Link::Io::ok) ended(client);
  }

  // The server, or the network, ended it.
  void ended(Client& client) {
    if (leaving_) return end(client, "");
    const std::uint16_t code = client.stream.close_code();
    const std::string how =
        code == 0 ? "end without a close frame" : "close " + std::to_string(code) + " " + client.stream.close_reason();
    if (!client.stalled || client.state != State::open) return end(client, how);
    if (!client.told) ++report_.stalled[how];
    client.told = true;
    end(client, "");
  }

  void end(Client& client, const std::string& why) {
    if (client.state == State::connecting || client.state == State::shaking) {
      --pending_;
      ++settled_;
    }
    if (!why.empty()) ++report_.lost[why];
    client.state = State::ended;
    client.link.close();
  }

  // ---- time and readings ----

  void wait(double seconds) {
    const int count =
        ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), static_cast<int>(seconds * 1000));
    for (int i = 0; i < count; ++i) {
      Client& client = *static_cast<Client*>(events_[static_cast<std::size_t>(i)].data.ptr);
      if (client.state != State::ended) serve(client);
    }
  }

  void pause(double seconds) {
    const double until = steady_seconds() + seconds;
    while (steady_seconds() < until) wait(0.01);
  }

  Reading read() const {
    return {steady_seconds(),      cpu_seconds(options_.server),  cpu_seconds(::getpid()),
            busy_seconds(),        resident_kib(options_.server), tcp_kib(),
            report_.tally.messages};
  }

  void complain(const std::string& text) {
    if (report_.complaint.empty()) report_.complaint = text;
  }

  const SwarmOptions& options_;
  SwarmReport report_;
  std::vector<Client> clients_;
  int epoll_;
  std::array<epoll_event, 1024> events_{};
  std::vector<char> buffer_ = std::vector<char>(std::size_t{256} * 1024);
  std::string reply_;
  int pending_ = 0;
  std::size_t settled_ = 0;
  bool leaving_ = false;
};

}  // namespace

SwarmReport run_swarm(const SwarmOptions& options) { return Swarm(options).run(); }

}  // namespace bixws::bench

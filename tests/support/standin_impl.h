// SPDX-License-Identifier: Apache-2.0
// The inside of the stand-in exchange. One mutex guards everything but the links' queues; threads: one accepts, one
// plays, and each link has its own.
#pragma once

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "support/standin_exchange.h"
#include "support/standin_link.h"
#include "support/standin_timeline.h"

namespace bixws::test {

class StandinExchange::Impl final : public LinkOwner {
 public:
  Impl(Capture capture, StandinOptions options);
  ~Impl() override;

  TimedReply on_request(const HttpRequest& request) override;
  std::optional<HttpReply> on_upgrade(Link& link, const HttpRequest& request) override;
  void on_open(Link& link) override;
  void on_frame(Link& link, const WsFrame& frame) override;
  void on_room() override { changed_.notify_all(); }
  void on_gone(Link& link) override;

  // A WebSocket connection.
  struct Client {
    Link* link = nullptr;
    Session session;
    int ordinal = 0;
    std::map<std::string, std::uint64_t> since;  // by symbol: frames played when it had last missed something
    std::string held;                            // a frame to be sent after the next of its kind
    FrameMeaning held_meaning;
    SteadyTime next_pulse;
    std::vector<SteadyTime> heard_at;  // the last second's messages
    bool listens() const { return link->takes_data() && !session.subscriptions.empty(); }
  };

  // A fault that is still to come, or not yet through with its frames.
  struct Script {
    Fault fault;
    std::uint64_t left = 1;
    bool used = false;  // by the frame being delivered
  };

  struct Override {
    HttpReply reply;
    int left = 0;
    std::string target_part;
  };

  void accept_connections();
  void reap_links();
  void wake_acceptor() const;

  // All below with mutex_ held.
  void play(std::unique_lock<std::mutex>& lock);
  bool may_play();
  bool congested() const;
  SteadyTime due();
  void deliver(const TimelineFrame& frame);
  void deliver_to(Client& client, const TimelineFrame& frame, std::uint64_t number);
  void send_payload(Client& client, std::string_view payload);
  static bool hits(const Fault& fault, const Client& client, const FrameMeaning& meaning);
  void run_faults_of_connections(std::uint64_t number);
  void add(const Fault& fault);
  void act(const Fault& fault);
  void stop_listening();
  void end_lap();
  void pulses();
  std::size_t count_listeners() const;
  std::size_t count_symbols() const;
  bool first_snapshot(const std::string& symbol);
  void hear_text(Client& client, const std::string& text);
  void subscriptions_changed(Client& client, const std::set<Subscription>& before);
  bool too_talkative(Client& client);
  Client* client_of(const Link& link);
  static bool take(Override& override);

  StandinOptions options_;
  std::unique_ptr<Venue> venue_;
  Timeline timeline_;
  std::unique_ptr<TlsServer> tls_;
  std::uint16_t port_ = 0;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool stopping_ = false;

  Market market_;
  std::size_t cursor_ = 0;  // of this lap
  std::uint64_t played_ = 0;
  std::uint64_t allowed_ = 0;  // played_ may not go beyond
  std::uint64_t laps_ = 0;
  bool started_ = false;
  bool ended_ = false;
  std::uint64_t deaf_until_ = 0;  // up to this number frames are played whether anybody listens or not
  bool anchored_ = false;
  SteadyTime anchor_;
  std::int64_t anchor_us_ = 0;
  std::uint64_t anchor_played_ = 0;
  std::map<std::string, std::uint64_t> first_given_;

  std::list<Client> clients_;
  std::vector<ConnectionSeen> connections_;
  std::vector<Script> script_;
  Override upgrade_override_;
  std::vector<Override> rest_overrides_;
  Milliseconds rest_delay_{0};
  int refuse_subscriptions_ = 0;
  std::string refuse_why_;
  int ignore_subscriptions_ = 0;

  std::vector<RequestSeen> upgrades_;
  std::vector<RequestSeen> requests_;
  std::vector<TextSeen> texts_;
  std::vector<PongSeen> pongs_;
  std::vector<std::string> client_errors_;
  std::size_t subscribe_messages_ = 0;

  int listening_ = -1;
  int accept_wake_ = -1;
  std::uint64_t accepted_ = 0;
  std::mutex links_mutex_;
  std::list<std::unique_ptr<Link>> links_;
  std::thread acceptor_;
  std::thread player_;
};

}  // namespace bixws::test

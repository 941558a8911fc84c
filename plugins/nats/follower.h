// SPDX-License-Identifier: Apache-2.0
// Follower: messages of many subjects back into events, with a gap for each hole and the state where it is needed.
#pragma once

#include <bixws/relay.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "model/event_parse.h"
#include "nats/envelope.h"
#include "nats/stream_place.h"
#include "nats/track.h"

namespace bixws::nats {

/// What is asked of the feed.
struct Wanted {
  std::vector<std::string> symbols;  ///< as typed, perhaps with an exchange; empty: all
  std::uint32_t channels = ~0U;      ///< 1 << int(Channel); gaps, status and marks always come
};

/// Every call is safe from any thread; events are published in the order of the calls.
class Follower {
 public:
  /// `may_ask`: publishers answer for the state of their subjects. Otherwise what comes is taken as it is.
  Follower(RelayHost& host, std::string prefix, Wanted wanted, bool may_ask);
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  /// Before begin(): asks about subjects, one a line; empty: about all there are.
  void set_ask(std::function<void(std::string_view subjects)> ask) { ask_ = std::move(ask); }
  /// What comes now are the messages of a stream behind this place. The host learns with everything that is published
  /// up to which message that was.
  void read_behind(StreamPlace place);

  /// A published message. `more`: others wait behind it, so that what there is need not be handed over yet. `seq`: its
  /// number in the stream that is read.
  void event(std::string_view subject, std::string_view payload, bool more, std::uint64_t seq = 0);
  /// A message about the state of a subject.
  void answer(std::string_view payload);
  /// Both sides can be heard: asks for the state of everything.
  void begin();
  void connected();
  void disconnected(const std::string& why);
  /// From time to time: asks again for what was not answered, and gives up on it in the end.
  void look();
  /// Messages that are known to be missing before the next one.
  void lost(std::string_view reason, std::uint64_t count);
  /// Publishes what was made so far.
  void hand_over();
  /// Events that wait for it.
  [[nodiscard]] std::size_t held() const;
  /// Nothing is taken in until begin().
  void pause() { paused_ = true; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Subject {
    bool wanted = false;
    bool book = false;
    std::string epoch;
    Track track;
    const Instrument* instrument = nullptr;  // the host's
    Channel channel = Channel::none;
    std::uint64_t seq = 0;  // of the newest event
    Micros recv_ts = 0;
    int asked = 0;
  };
  using Subjects = std::map<std::string, Subject, std::less<>>;

  Subjects::iterator subject_of(std::string_view name);
  [[nodiscard]] bool is_wanted(std::string_view name) const;
  void enter_epoch(Subject& subject, std::string_view exchange, std::string_view epoch);
  /// Parses behind what is in batch_; its first event, nullptr if it made none.
  const Event* parse(std::string_view message, Subject& subject);
  void add_gap(Subject& subject, std::size_t before, std::string_view reason, std::uint64_t missed);
  [[nodiscard]] std::string reason_of_loss() const;
  void ask(const std::string& subject);
  void send_asks();
  void ask_all();
  void take(Subject& subject, std::string_view name, std::string_view payload);
  void tell(FeedState state, const std::string& reason);
  void publish();

  RelayHost& host_;
  const std::string prefix_;
  const Wanted wanted_;
  const bool may_ask_;
  std::function<void(std::string_view)> ask_;
  std::atomic<bool> paused_{false};

  mutable std::mutex mutex_;  // guards what follows
  Instruments theirs_;
  std::vector<const Instrument*> ours_;  // by their id
  MessageParser parser_;
  EventBatch batch_;
  std::optional<StreamPlace> place_;  // up to which all messages are in batch_ or were published
  std::string text_;                  // scratch
  Subjects subjects_;
  std::string epoch_;  // the newest
  std::set<std::string, std::less<>> past_epochs_;
  std::map<std::string, std::string, std::less<>> sources_;  // newest epoch by exchange
  bool mixed_ = false;                                       // several nodes publish
  std::set<std::string, std::less<>> to_ask_;
  bool ask_everything_ = false;
  bool unanswered_ = false;  // everything was asked, and no node has said anything since
  Clock::time_point asked_at_{};
  std::string lost_because_;     // the connection, the last time
  Clock::time_point back_at_{};  // and when it came back
  bool down_ = false;
  bool begun_ = false;
  bool told_plain_ = false;
  Micros newest_ = 0;
};

}  // namespace bixws::nats

// SPDX-License-Identifier: Apache-2.0
// RemoteFeed: the client of another bixws server. Subscribes, hands over each message as it came and as events,
// redials, and resumes where it was.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/event_parse.h"
#include "model/instruments.h"
#include "net/loop.h"
#include "net/ws_client.h"

namespace bixws::feed {

struct RemoteOptions {
  std::string url = "ws://localhost:8765";  ///< "localhost:8765" and http(s):// will do; every address is tried
  std::string token;
  std::string ca_file;
  bool insecure = false;
  bool reconnect = true;
  net::Duration reconnect_delay = std::chrono::seconds(5);  ///< always the same: what users of watch are promised
  std::size_t max_message = std::size_t{64} << 20;
};

/// One subscribe.
struct RemoteAsk {
  std::vector<std::string> symbols;   ///< in any spelling that servers take; empty: all
  std::vector<std::string> channels;  ///< "trades", "book:25", "candles:1m"
  std::string policy;                 ///< empty: each channel's own
};

struct RemoteLink {
  enum class State : std::uint8_t {
    connecting,
    up,
    waiting,  ///< for the next attempt
    ended,    ///< the server said that nothing more will come
    failed    ///< for good: no reconnect wanted, or the server refuses us
  };
  State state = State::connecting;
  std::string reason;        ///< why it is not up
  net::Duration retry_in{};  ///< waiting: until the next attempt
};

class RemoteFeed final : private net::WsClient::Owner {
 public:
  /// All calls come from the feed's thread, one at a time; none may call stop().
  class Listener {
   public:
    /// A message, except answers to our own subscribes and what came before the first of them. Its events stand in
    /// `batch` from index `first` on; they may be changed, added to, or cut off.
    virtual void on_message(std::string_view text, const ParsedMessage& message, EventBatch& batch,
                            std::size_t first) = 0;
    /// The events of all messages since the last call: when nothing more waits to be read, when they are many, and
    /// before the link changes. The batch may be taken.
    virtual void on_events(std::unique_ptr<EventBatch>& batch) = 0;
    virtual void on_link(const RemoteLink& link) = 0;
    /// After all messages that had come were handed over: time to flush.
    virtual void on_idle() {}

   protected:
    ~Listener() = default;
  };

  /// Throws ConfigError if the URL or the CA file is of no use.
  RemoteFeed(RemoteOptions options, Instruments& instruments, Listener& listener);
  ~RemoteFeed() { stop(); }
  RemoteFeed(const RemoteFeed&) = delete;
  RemoteFeed& operator=(const RemoteFeed&) = delete;

  /// What to subscribe to, now and after each reconnect; the difference to before is sent. Without any, the server's
  /// default stream comes. Any thread, also before start().
  void ask(const std::vector<RemoteAsk>& asks);
  void start();
  /// Closes the connection; no call to the listener afterwards. Idempotent; not from the feed's thread.
  void stop();
  /// Sends a protocol message if the link is up. Any thread.
  void send(std::string text);
  /// Redials now if it waits; asks for everything again if it is up. Any thread.
  void refresh();

  /// Without token: for people.
  [[nodiscard]] const std::string& name() const { return name_; }
  /// Feed's thread: the exchange whose symbols have plain names.
  [[nodiscard]] std::string_view plain_exchange() const { return parser_.plain_exchange(); }
  /// Feed's thread: the server's epoch, empty before the first.
  [[nodiscard]] const std::string& epoch() const { return epoch_; }

 private:
  /// One symbol (empty: all) and channel asked for.
  struct Topic {
    std::string policy, symbol, channel;
    auto operator<=>(const Topic&) const = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14 misreads it
  };
  using Topics = std::set<Topic>;

  static Topics topics_of(const std::vector<RemoteAsk>& asks);
  void change_topics(Topics wanted);
  void dial();
  void hand_over();
  void wait_or_fail(std::string reason, bool for_good);
  void tell(RemoteLink::State state, std::string reason = {}, net::Duration retry_in = {});
  void send_topics(std::string_view type, const Topics& topics, bool resume);
  void note_epoch(const ParsedMessage& message);
  void note_answer(const ParsedMessage& message);
  void note_positions(const ParsedMessage& message, std::span<const Event> events);
  [[nodiscard]] bool knows_trades(std::string_view label) const;
  [[nodiscard]] std::string resume_part(const Topics& topics) const;
  [[nodiscard]] std::string label_of(const Instrument& instrument) const;

  void on_open(net::WsClient& client) override;
  void on_message(net::WsClient& client, net::Opcode kind, std::string_view payload) override;
  void on_failed(net::WsClient& client, const net::NetFailure& failure) override;
  void on_closed(net::WsClient& client, const net::WsEnd& end) override;

  RemoteOptions options_;
  net::Url url_;
  std::string name_;
  Instruments& instruments_;
  Listener& listener_;

  // Down to the thread: the feed's thread only.
  MessageParser parser_;
  std::unique_ptr<EventBatch> batch_;
  Topics topics_;
  std::string epoch_;
  std::unordered_map<std::uint64_t, std::uint64_t> positions_;      // last seq by instrument, channel and parameter
  std::map<std::string, std::uint64_t, std::less<>> trades_stand_;  // by symbol, as `subscribed` told it
  bool all_trades_ = false;  // subscribed to in this epoch: what was not told of had none
  std::uint64_t next_id_ = 1;
  std::uint64_t resumed_ids_ = 0;  // subscribes up to this id said where we were: what we missed follows their answer
  bool settled_ = false;           // the first subscribe of this connection was answered, or none was needed
  bool ended_ = false;             // `status` ended came
  bool over_ = false;              // nothing more will be told
  std::unique_ptr<net::WsClient> client_;
  std::unique_ptr<net::Timer> redial_;
  std::unique_ptr<net::Signal> idle_;  // raised with each message, heard when all that came were read

  net::LoopThread thread_;
  bool stopped_ = false;
};

}  // namespace bixws::feed

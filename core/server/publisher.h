// SPDX-License-Identifier: Apache-2.0
// Publisher: the server's ear at the hub. Encodes each event once per topic that somebody is subscribed to, answers
// subscribes at their exact place in the order, and hands all of it to the server's loops as runs.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "hub/hub.h"
#include "model/chaos.h"
#include "server/depth_view.h"
#include "server/history_desk.h"
#include "server/history_ring.h"
#include "server/labels.h"
#include "server/mark_book.h"
#include "server/recent.h"
#include "server/refresh.h"
#include "server/replies.h"
#include "server/request.h"
#include "server/run.h"

namespace bixws::server {

/// Everything runs on the hub's thread, as a listener or inside Hub::post; only the counters may be read elsewhere.
class Publisher final : public hub::Listener {
 public:
  /// `resume_bytes`: of messages kept for clients that come back; 0: none. `most_subscriptions`: of one client.
  Publisher(hub::Hub& hub, std::shared_ptr<const Labels> labels, std::size_t resume_bytes = Recent::kDefaultBytes,
            std::size_t most_subscriptions = 4096)
      : hub_(hub), labels_(std::move(labels)), recent_(resume_bytes), most_subscriptions_(most_subscriptions) {}

  /// Before the hub starts: messages are dropped, doubled and sent in the wrong order after they were numbered. `log`
  /// is told of each, on the hub's thread.
  void set_chaos(const ChaosOptions& options, std::function<void(std::string_view)> log);
  /// Before the hub starts: `taker` gets the runs; its index is the loop in ClientKey.
  void add_loop(std::shared_ptr<RunTaker> taker) { takers_.push_back(std::move(taker)); }
  /// Before the hub starts: who answers `history`; false: too many wait already.
  void set_desk(std::function<bool(HistoryJob job)> desk) { desk_ = std::move(desk); }
  /// Hub's thread: sends the client one message, at this place in the order.
  void tell(ClientKey client, std::string_view payload, const market::Market& market) {
    reply(client, payload, market);
  }
  /// Any thread: the server is gone, nothing needs to be encoded any more.
  void detach() { detached_.store(true, std::memory_order_relaxed); }

  void on_event(const Event& event, const market::Market& market) override;
  void on_batch(const SharedBatch& batch, const market::Market& market) override;
  void on_epoch(const std::string& epoch, const market::Market& market) override;

  /// A new connection: initial_data and the default selection, or what its URL asked for.
  void join(ClientKey client, const std::optional<SubscribeRequest>& request, const std::optional<RequestError>& error,
            const market::Market& market);
  void leave(ClientKey client, const market::Market& market);
  /// A WebSocket ping, at its place in the order.
  void ping(ClientKey client, const market::Market& market);
  /// Anything a client asked, errors to be told included; replay steering is not for the publisher.
  void answer(ClientKey client, const Request& request, const market::Market& market);
  void refresh(ClientKey client, const RefreshRequest& request, const market::Market& market);

  /// Any thread: feeds that are not live, each with its state and reason.
  [[nodiscard]] std::vector<std::string> ailments() const;
  /// Messages encoded so far, any thread.
  [[nodiscard]] std::uint64_t encoded() const { return encoded_.load(std::memory_order_relaxed); }

 private:
  struct TopicState {
    Topic topic;
    std::uint32_t subscribers = 0;  ///< named by; those of "every instrument" are counted in every_
    bool active = false;
    std::uint64_t linger = 0;  ///< without subscribers it is encoded until Recent has forgotten this much
    bool queued = false;       ///< in lingering_
    DepthView view;
  };
  struct Row {
    const Instrument* instrument = nullptr;
    std::string label;
    // nullptr: nobody listens
    TopicState* ticker = nullptr;
    TopicState* trades = nullptr;
    TopicState* book = nullptr;
    TopicState* status = nullptr;
    TopicState* alert = nullptr;
    TopicState* annotation = nullptr;
    std::array<TopicState*, market::kDepthCount> depths{};
    std::array<TopicState*, market::kTimeframeCount> candles{};
    bool any_depth = false;
    bool any_candle = false;
    std::uint64_t ticker_seq = 0;           ///< of the newest ticker
    std::uint64_t previous_ticker_seq = 0;  ///< of the one before
    std::string last_status;                // payload
    MarkBook marks;
  };
  /// Equal selections of all clients are one object: what it names is counted once, and a loop can tell by the pointer.
  struct Shared {
    std::shared_ptr<const Selection> selection;
    std::uint32_t clients = 0;
  };
  struct Client {
    std::map<std::string, Shared>::iterator shared;
    bool by_default = true;
  };
  struct KeyHash {
    std::size_t operator()(const ClientKey& key) const {
      return std::hash<std::uint64_t>{}(key.number * 64 + key.loop);
    }
  };

  Row& row_of(const Instrument& instrument);
  TopicState& topic_of(const ChannelSpec& what, const Instrument& instrument);
  [[nodiscard]] bool lingers(TopicState& topic);
  void update(Row& row, const ChannelSpec& what, const market::InstrumentState* state);
  void count(const Selection& selection, int change, const market::Market& market);
  std::map<std::string, Shared>::iterator acquire(Selection selection, const market::Market& market);
  void release(std::map<std::string, Shared>::iterator shared, const market::Market& market);

  // encoders of on_event
  void encode_ticker(Row& row, const Event& event);
  void encode_plain(TopicState* topic, Row& row, const Event& event);
  void encode_depths(Row& row, const Event& event, const market::InstrumentState& state);
  void encode_derived(Row& row, const Event& event, const market::InstrumentState& state);
  void encode_gap(Row& row, const Event& event);
  void keep_status(Row& row, const Event& event);
  /// Message of a topic; for a ticker `part` is what batches need of it.
  void add_item(const TopicState& topic, const Extent& frame, std::uint64_t seq, Micros recv_ts,
                std::optional<Extent> part = {});
  void meet_fate(const RunItem& item);
  void release_overtaken(const Topic* topic);

  // answers.cpp
  void select(ClientKey client, const SubscribeRequest& request, const market::Market& market);
  [[nodiscard]] RequestError too_many_subscriptions(const std::string& id) const;
  // wishes.cpp
  void annotate(ClientKey client, const AnnotateRequest& request, const market::Market& market);
  void ask_history(ClientKey client, const HistoryRequest& request, const market::Market& market);
  // edge.cpp: where numbers are given by another node
  void keep_everything(const market::Market& market);
  [[nodiscard]] bool ahead(const SubscribeRequest& request, const market::Market& market) const;
  bool wait_for_numbers(ClientKey client, const SubscribeRequest& request, const market::Market& market);
  void answer_waiting(ClientKey client, const market::Market& market);
  void answer_waiting(const market::Market& market);

  /// Answers with one message.
  void reply(ClientKey client, std::string_view payload, const market::Market& market);

  // parts of answers, appended to the current run
  void write_payload(std::string_view payload);
  void write_initial_data(const std::function<bool(const Instrument&)>& wanted, const market::Market& market);
  void write_tickers(const std::vector<const market::InstrumentState*>& states);
  void write_answer(const SubscribeRequest& request, const market::Market& market);
  void write_positions(const SubscribeRequest& request, const market::Market& market);
  void write_snapshots(const SubscribeRequest& request, Recent::Missed& missed, const market::Market& market);
  /// What a new subscriber of one topic has to know first: the state; for one that resumes a gap and the state, unless
  /// all the messages it missed can be added to `missed`.
  void write_start(const SubscribeRequest& request, const ChannelSpec& what, const Instrument& instrument,
                   Recent::Missed& missed, const market::Market& market);
  /// The tickers' part of it: `initial_data`, or what was missed of those that are not conflated.
  void write_tickers_start(const SubscribeRequest& request, const Selection& selection, Recent::Missed& missed,
                           const market::Market& market);
  void write_state(const ChannelSpec& what, const Instrument& instrument, std::uint64_t from_seq,
                   const market::Market& market);
  void write_mark(const StoredMark& mark, const Row& row, bool history);
  void write_tickers_after(const Selection& selection, std::uint64_t after, const market::Market& market);
  void write_statuses(const SubscribeRequest* only);
  /// A gap of one client; `from` 0: not known what is missing.
  void write_gap(const ChannelSpec& what, const Instrument& instrument, std::uint64_t from, std::uint64_t to,
                 std::string_view reason);
  [[nodiscard]] static std::uint64_t seq_of(const ChannelSpec& what, const market::InstrumentState* state);

  Run& run();
  void add_answer(Answer::Kind kind, ClientKey client, std::shared_ptr<const Selection> selection, std::size_t begin,
                  const market::Market& market, std::uint64_t token = 0,
                  std::shared_ptr<const Selection> covered = nullptr);
  void hand_over();
  void end_lingering(const market::Market& market);

  static constexpr std::size_t kMostMissed = std::size_t{4} << 20;  // bytes of one answer

  hub::Hub& hub_;
  std::shared_ptr<const Labels> labels_;
  std::vector<std::shared_ptr<RunTaker>> takers_;
  std::function<bool(HistoryJob)> desk_;
  HistoryRing history_;
  std::deque<std::string> own_marks_;  // ids of the annotation events that clients made and that are still to come
  std::atomic<bool> detached_{false};
  std::unique_ptr<Run> run_;
  Recent recent_;
  std::size_t most_subscriptions_;
  std::deque<std::pair<TopicState*, std::uint64_t>> lingering_;  // with what has to be forgotten before a look at it

  std::vector<std::unique_ptr<Row>> rows_;  // by instrument id
  std::unordered_map<std::uint64_t, std::unique_ptr<TopicState>> topics_;
  std::map<ChannelSpec, std::uint32_t> every_;
  std::map<std::string, Shared> selections_;
  std::unordered_map<ClientKey, Client, KeyHash> clients_;
  std::vector<market::NumberedCandle> candle_changes_;
  /// Resumes from a number that is still on its way to this edge.
  struct Early {
    ClientKey client;
    SubscribeRequest request;
    std::chrono::steady_clock::time_point until;
  };
  std::vector<Early> early_;
  bool keeps_everything_ = false;
  std::uint64_t epochs_ = 0;
  std::uint64_t gaps_ = 0;  // upstream ones told in this epoch

  std::optional<Chaos> chaos_;
  std::function<void(std::string_view)> chaos_log_;
  struct Overtaken {
    RunItem item;
    std::string frame;
  };
  std::vector<Overtaken> overtaken_;  // wait for the next message of their topic

  mutable std::mutex ailments_mutex_;
  std::map<std::string, std::string> ailments_;  // by feed; guarded by ailments_mutex_
  std::atomic<std::uint64_t> encoded_{0};
};

}  // namespace bixws::server

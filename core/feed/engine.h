// SPDX-License-Identifier: Apache-2.0
// ExchangeFeed's inside: everything that happens on its thread.
#pragma once

#include <map>
#include <random>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "feed/exchange_feed.h"
#include "feed/intake.h"
#include "feed/link.h"
#include "feed/rest_queue.h"
#include "feed/shard.h"

namespace bixws::feed {

class ExchangeFeed::Engine final : public Intake::Wishes, public Link::Owner {
 public:
  Engine(std::unique_ptr<Dialect> dialect, FeedConfig config, FeedHooks hooks, Instruments& instruments,
         const Clock& clock);
  ~Engine();

  void start();
  void stop();
  void subscribe(std::vector<std::string> symbols, std::uint32_t channels, bool wanted);

  const FeedConfig config;
  Intake intake;

 private:
  /// Something to do for a symbol's book, later.
  struct Chore {
    Micros due;
    Symbol* symbol;
    std::uint32_t connection;  ///< to subscribe anew on; 0: a REST snapshot
    unsigned attempt;
  };

  // Intake::Wishes
  void want_book(Symbol& symbol, std::uint32_t connection) override;
  void on_data(Symbol& symbol, Channel channel, std::uint32_t connection) override;
  void on_answer(std::uint32_t connection, const Answer& answer, bool refused) override;
  void on_leaving(std::uint32_t connection, Text why) override;
  void on_reconnect(std::uint32_t connection, Text why) override;
  void on_condition(FeedState state, const std::string& why) override;
  void on_listing(const Listing& listing) override;
  void on_more(Text cursor) override;
  void on_log(LogLevel level, const std::string& text) override;
  // Link::Owner
  void on_link_open(Link& link) override;
  void on_link_frame(Link& link, std::string_view payload) override;
  void on_link_down(Link& link, const std::string& reason, int status, Micros retry_after) override;
  void on_link_sent(Link& link, std::string_view frame) override;
  void on_accepted(Link& link, Symbol& symbol, Channel channel) override;
  void on_withdrawn(Link& link, Symbol& symbol, Channel channel) override;
  void on_refused(Link& link, Symbol& symbol, Channel channel, const std::string& reason) override;

  void begin();
  void end();
  // The instrument list.
  void ask_list(const std::string& cursor);
  void list_answered(const RestQueue::Reply& reply, const std::string& url);
  void resolve_all();
  Symbol* resolve(const std::string& text);
  // Topics and the connections that carry them.
  void want_topic(Symbol& symbol, Channel channel);
  void drop_topic(Symbol& symbol, Channel channel);
  void ask_new_topics();
  void connect(Shard& shard, Slot& slot);
  void begin_successor(Shard& shard, Slot& slot, const std::string& why);
  void settle_successor(Shard& shard, Slot& slot);
  std::unique_ptr<Link> make_link(const Shard& shard);
  void subscribe_all(const Shard& shard, Link& link);
  std::pair<Shard*, Slot*> slot_of(const Link& link);
  Link* link_of(std::uint32_t number);
  std::string url_for(const std::string& path) const;
  // Books.
  void add_chore(Symbol& symbol, std::uint32_t connection, Micros delay, unsigned attempt);
  void do_chores();
  void ask_snapshot(Symbol& symbol, unsigned attempt);
  void snapshot_answered(Symbol& symbol, unsigned attempt, const std::string& url, const RestQueue::Reply& reply);
  // The feed as a whole.
  /// Into the recording, if the exchange's own frames are wanted.
  void keep_raw(const RawFrame& frame, Micros at);
  void keep_end(const Link* link, std::string_view why);
  void judge_state();
  void set_state(FeedState state, const std::string& reason);
  void tick();
  void flush_soon();
  void flush();
  std::string_view padded(std::string_view text);
  Micros now() const { return clock_.now(); }
  void log(LogLevel level, const std::string& text);

  std::unique_ptr<Dialect> dialect_;
  const Traits& traits_;
  FeedHooks hooks_;
  const Clock& clock_;
  net::Loop loop_;
  std::thread thread_;
  std::mt19937_64 random_;

  std::unique_ptr<RestQueue> rest_;
  Backoff list_backoff_;
  net::Timer list_timer_;
  std::string cursor_;
  struct Listed {
    std::string id, name;
    bool trading;
  };
  std::vector<Listed> listed_;
  std::unordered_map<std::string, std::size_t> by_name_;
  std::vector<std::string> names_;
  bool resolved_ = false;
  struct Waiting {
    std::string symbol;
    std::uint32_t channels;
  };
  std::vector<Waiting> waiting_;  // subscribed before the list was here

  std::map<std::pair<Symbol*, Channel>, unsigned> references_;
  std::vector<std::pair<Micros, Topic>> lingering_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::map<std::pair<Link*, Channel>, std::vector<Symbol*>> to_ask_;
  std::uint32_t next_number_ = 1;
  Window connects_;
  net::Timer tick_;

  std::vector<Chore> chores_;
  std::vector<Symbol*> snapshots_asked_;
  net::Timer chore_timer_;

  FeedState state_ = FeedState::none;
  std::string state_reason_, rest_problem_;
  Micros status_at_ = 0;
  FeedState condition_ = FeedState::live;  // in the exchange's own words, while we are connected
  std::string condition_reason_;
  std::string buffer_;  // the frame being read, with its padding
  bool flushing_ = false;
};

}  // namespace bixws::feed

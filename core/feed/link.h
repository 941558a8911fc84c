// SPDX-License-Identifier: Apache-2.0
// Link: one WebSocket connection to an exchange, from connecting to its end, with its subscriptions and their answers.
#pragma once

#include <bixws/dialect.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "feed/intake.h"
#include "feed/pacer.h"
#include "model/clock.h"
#include "net/ws_client.h"

namespace bixws::feed {

/// One connection; a reconnect is another Link. Loop's thread only; not to be destroyed inside a call of its owner's
/// (Loop::dispose).
class Link final : private net::WsClient::Owner {
 public:
  class Owner {
   public:
    virtual void on_link_open(Link& link) = 0;
    virtual void on_link_frame(Link& link, std::string_view payload) = 0;
    /// It failed or was closed, for this reason; nothing follows. `status`: the HTTP status that refused it, or 0.
    virtual void on_link_down(Link& link, const std::string& reason, int status, Micros retry_after) = 0;
    virtual void on_link_sent(Link& link, std::string_view frame) = 0;
    virtual void on_accepted(Link& link, Symbol& symbol, Channel channel) = 0;
    virtual void on_withdrawn(Link& link, Symbol& symbol, Channel channel) = 0;
    virtual void on_refused(Link& link, Symbol& symbol, Channel channel, const std::string& reason) = 0;

   protected:
    ~Owner() = default;
  };

  struct Options {
    net::WsClientOptions client;
    Micros answer_timeout = 10'000'000;  ///< for a subscribe request
  };

  Link(net::Loop& loop, std::uint32_t number, Dialect& dialect, const Clock& clock, const Options& options,
       Owner& owner);

  /// Throws std::runtime_error if the URL is none.
  void connect(const std::string& url);
  /// Queues requests; they leave at the pace the exchange allows.
  void ask(bool subscribe, Channel channel, const std::vector<Symbol*>& symbols);
  /// What the exchange said; by id, by channel and symbol, or in order.
  void answer(const Answer& answer, bool refused, Symbol* named);
  /// The first data of a topic counts as its acknowledgement.
  void saw(const Symbol& symbol, Channel channel);
  /// Looks for silence, unanswered requests, and keep-alives that are due.
  void tick();
  /// Says goodbye and ends without on_link_down.
  void close();
  /// Ends at once and reports it, from the loop.
  void fail(std::string reason);

  [[nodiscard]] std::uint32_t number() const { return number_; }
  [[nodiscard]] bool open() const { return client_.open(); }
  [[nodiscard]] Micros opened_at() const { return opened_at_; }
  [[nodiscard]] Micros last_byte() const { return last_byte_; }
  /// Nothing asked is without an answer.
  [[nodiscard]] bool settled() const { return queue_.empty() && unanswered_.empty(); }
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  struct Asked {
    std::uint64_t id = 0;
    bool subscribe = true;
    Channel channel = Channel::none;
    std::vector<Symbol*> symbols;
    Micros sent_at = 0;
  };

  void on_open(net::WsClient& client) override;
  void on_message(net::WsClient& client, net::Opcode kind, std::string_view payload) override;
  void on_failed(net::WsClient& client, const net::NetFailure& failure) override;
  void on_closed(net::WsClient& client, const net::WsEnd& end) override;

  void pump();
  net::Duration take_turn();
  bool send(std::string_view frame);
  void accept(Asked& asked, Symbol* only);
  void refuse(Asked& asked, Symbol* only, const std::string& reason);
  void down(const std::string& reason, int status, Micros retry_after);

  net::Loop& loop_;
  const std::uint32_t number_;
  Dialect& dialect_;
  const Traits& traits_;
  const Clock& clock_;
  Owner& owner_;
  Micros answer_timeout_;
  net::WsClient client_;
  std::string url_;
  Micros opened_at_ = 0, last_byte_ = 0, last_keep_alive_ = 0;
  std::uint64_t next_id_ = 1;
  std::deque<Asked> queue_;
  std::deque<Asked> unanswered_;
  Window per_second_, per_hour_;
  net::Timer pace_;
  bool ended_ = false;
  std::string failure_;
  std::shared_ptr<Link*> self_;  // null once gone, for functions posted to the loop
};

}  // namespace bixws::feed

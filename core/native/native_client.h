// SPDX-License-Identifier: Apache-2.0
// NativeClient: one WebSocket client of a native replay, between the thread that plays and the loop that sends.
#pragma once

#include <bixws/venue.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "native/exchange.h"
#include "net/http_server.h"
#include "net/ws_peer.h"

namespace bixws::native {

/// Members marked "state" belong to whoever holds the replay's mutex, all others to the loop's thread.
class NativeClient final : public VenueOut, private net::WsPeer::Owner {
 public:
  class Owner {
   public:
    virtual void on_heard(NativeClient& client, std::string_view text) = 0;
    /// Under the mutex: it has taken what waited.
    virtual void on_room() = 0;
    virtual void on_gone(NativeClient& client) = 0;
    /// The mutex, which whoever plays gives way to.
    virtual std::unique_lock<std::mutex> take_state() = 0;

   protected:
    ~Owner() = default;
  };

  NativeClient(Owner& owner, std::uint64_t number, std::unique_ptr<VenueSession> session, net::Upgraded upgraded);

  [[nodiscard]] std::uint64_t number() const { return number_; }
  void start(std::string early) { peer_.start(std::move(early)); }
  /// Sends what waits; then closes or cuts it if that is what is left to do.
  void flush();

  // State.
  VenueSession& session() { return *session_; }
  void send(Text frame) noexcept override;
  [[nodiscard]] bool listens() const { return !leaving_ && topics_ > 0; }
  [[nodiscard]] std::size_t topics() const { return leaving_ ? 0 : topics_; }
  [[nodiscard]] std::size_t waiting() const { return pending_.size(); }
  [[nodiscard]] bool wants(const Topic& topic);
  /// It was heard: what it is subscribed to may be something else now.
  void asked();
  /// Everything on its way goes out, then a close frame; with code 0 the connection just ends.
  void leave(std::uint16_t code, std::string reason);
  /// A frame that chaos lets come behind the next one of its topic.
  void hold(const Topic& topic, std::string payload) { held_.emplace_back(topic.id, std::move(payload)); }
  /// Sends what was held for this topic, after the frame that has overtaken it.
  void release(const Topic& topic);
  /// Did anything go out since the last call?
  bool take_activity() { return std::exchange(active_, false); }

 private:
  void on_message(net::WsPeer& peer, net::Opcode kind, std::string_view payload) override;
  void on_writable(net::WsPeer& peer) override;
  void on_closed(net::WsPeer& peer, const net::WsEnd& end) override;

  Owner& owner_;
  const std::uint64_t number_;
  std::unique_ptr<VenueSession> session_;
  net::WsPeer peer_;
  std::string sending_;
  std::size_t sent_ = 0;
  bool blocked_ = false;
  bool over_ = false;

  // State.
  std::string pending_;
  std::vector<std::uint8_t> wanted_;  // by topic id: 0 not asked yet, 1 no, 2 yes
  std::vector<std::pair<std::uint32_t, std::string>> held_;
  std::size_t topics_ = 0;
  bool active_ = false;
  bool leaving_ = false;
  std::uint16_t code_ = 0;
  std::string reason_;
};

}  // namespace bixws::native

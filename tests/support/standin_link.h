// SPDX-License-Identifier: Apache-2.0
// One TCP connection of the stand-in exchange: HTTP first, WebSocket when asked; a thread, a queue of bytes, and the
// ways in which a connection can go wrong.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>

#include "support/standin_venue.h"
#include "support/wait.h"
#include "support/wire.h"
#include "support/ws_frames.h"

namespace bixws::test {

class Link;

struct HttpRequest {
  std::string target;
  HttpHead head;
};

// What the exchange does about a link. Called on the link's thread, without any of its locks.
class LinkOwner {
 public:
  virtual ~LinkOwner() = default;
  // The answer to a plain request, to be sent after `delay`.
  struct TimedReply {
    HttpReply reply;
    Milliseconds delay{0};
  };
  virtual TimedReply on_request(const HttpRequest& request) = 0;
  // nullopt: go ahead with the handshake; on_open follows.
  virtual std::optional<HttpReply> on_upgrade(Link& link, const HttpRequest& request) = 0;
  virtual void on_open(Link& link) = 0;
  virtual void on_frame(Link& link, const WsFrame& frame) = 0;
  // The queue has shrunk, or the link is gone: whoever waits for that should look.
  virtual void on_room() = 0;
  virtual void on_gone(Link& link) = 0;
};

struct LinkOptions {
  const TlsServer* tls = nullptr;
  std::uint64_t split_seed = 0;  // 0: whole writes; else random small pieces, each a write of its own
  Milliseconds ping_every{0};
};

// All public members may be called from any thread.
class Link {
 public:
  enum class After { go_on, finish, reset };

  Link(int fd, LinkOwner& owner, LinkOptions options);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // Bytes go out in order, not before `delay` has passed; then FIN or RST if `after` says so. Nothing is taken any more
  // once the link is silent or ending.
  void send(std::shared_ptr<const std::string> bytes, Milliseconds delay = {}, After after = After::go_on);
  void send(std::string bytes, Milliseconds delay = {}, After after = After::go_on);
  void send_frame(WsOpcode opcode, std::string_view payload, Milliseconds delay = {});
  // Answers nothing and takes nothing any more, but keeps the connection open. What is queued still goes out.
  void go_silent() { silent_ = true; }

  std::size_t queued_bytes() const { return queued_bytes_; }
  // Nothing comes from or goes to the peer any more.
  bool gone() const { return gone_; }
  // The thread is through; the link may be destroyed without waiting.
  bool finished() const { return finished_; }
  bool silent() const { return silent_; }
  bool takes_data() const { return !gone_ && !silent_ && !ending_; }
  SteadyTime last_sent() const { return SteadyTime(SteadyTime::duration(last_sent_)); }
  // The payloads of pings sent and not yet answered.
  bool take_ping(const std::string& payload);
  void ping(const std::string& payload);

  // The owner's: set in on_upgrade, read under the owner's own lock.
  int ordinal = -1;
  Milliseconds lag{0};  // everything for this client is sent so much later

 private:
  struct Item {
    std::shared_ptr<const std::string> bytes;
    SteadyTime not_before;
    After after = After::go_on;
  };

  void run();
  void wake() const;
  bool read_some();
  void take_input();
  void answer(const HttpRequest& request);
  bool write_some();
  void wait_for_work();
  std::size_t piece_size(std::size_t left);
  void ping_when_due();
  void drain();

  LinkOwner& owner_;
  LinkOptions options_;
  Wire wire_;
  int wake_fd_ = -1;
  std::mt19937_64 random_;

  mutable std::mutex mutex_;
  std::deque<Item> queue_;
  std::size_t head_sent_ = 0;  // bytes of the queue's head already sent
  std::deque<std::string> pings_;
  std::atomic<std::size_t> queued_bytes_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> silent_ = false;
  std::atomic<bool> ending_ = false;
  std::atomic<bool> gone_ = false;
  std::atomic<bool> finished_ = false;
  std::atomic<SteadyTime::rep> last_sent_ = 0;

  std::string input_;
  WsFrameReader frames_;
  bool upgraded_ = false;
  SteadyTime next_ping_;
  std::thread thread_;
};

}  // namespace bixws::test

// SPDX-License-Identifier: Apache-2.0
// The other end of an upgraded connection, in either role: messages, pings, the closing handshake, bounded sending.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/connection.h"
#include "net/deflate.h"
#include "net/ws_codec.h"

namespace bixws::net {

struct WsPeerOptions {
  std::size_t max_message = std::size_t{64} * 1024;   // bytes of a received message, inflated
  std::size_t max_queued = std::size_t{1024} * 1024;  // bytes that send() may leave waiting; 0 for try_send() users
  Duration ping_interval = std::chrono::seconds(20);  // zero: no pings
  Duration pong_deadline = std::chrono::seconds(20);
  Duration close_deadline = std::chrono::seconds(2);  // from our close frame to the end of the connection
  bool compress = true;                               // send() compresses from deflate_threshold on, where agreed
};

/// How a connection ended.
struct WsEnd {
  std::uint16_t code = close_code::abnormal;  // what the peer said; or what we said, if we closed or failed it
  std::string reason;
  bool clean = false;    // both close frames were exchanged
  bool by_peer = false;  // the peer closed first, or vanished
  std::string text;      // for a human
};

enum class SendStatus : std::uint8_t {
  sent,     // on its way
  queued,   // waits for the peer to read
  refused,  // not taken: the queue is full, or the connection is not open
};

/// Loop's thread only. Must not be destroyed by its owner while calling it: give it to Loop::dispose.
class WsPeer final : private Connection::Owner, private WsReceiver {
 public:
  class Owner {
   public:
    /// A whole message; the view lives until this returns.
    virtual void on_message(WsPeer& peer, Opcode kind, std::string_view payload) = 0;
    /// There is room again: after try_send() ended in `again`, and whenever send()'s queue has drained.
    virtual void on_writable(WsPeer& peer) { (void)peer; }
    /// The peer answered a ping after that long, or (zero) without being asked.
    virtual void on_pong(WsPeer& peer, Duration round_trip) { (void)peer, (void)round_trip; }
    /// Once, last of all, never from inside a call to this peer; the connection is closed.
    virtual void on_closed(WsPeer& peer, const WsEnd& end) = 0;

   protected:
    ~Owner() = default;
  };

  WsPeer(std::unique_ptr<Connection> connection, Role role, const WsPeerOptions& options,
         const DeflateAgreement& deflate, Owner& owner);
  ~WsPeer() = default;

  /// Begins reading; `early` is what came with the handshake. No callback before the next turn.
  void start(std::string early = {});

  /// One message as one frame, compressed where agreed and worth it.
  SendStatus send(Opcode kind, std::string_view payload);
  SendStatus send_text(std::string_view text) { return send(Opcode::text, text); }
  /// Bytes that send() left waiting.
  std::size_t queued() const noexcept { return output_.size() - output_at_; }

  /// For an owner with a queue of its own: frames as they are to go out (append_server_head and payload), any number
  /// in one buffer, in one send() of the kernel's. After `again` the owner goes on at on_writable() with the bytes
  /// that were not taken; it may drop whole frames, but has to finish the one that was cut (if the cut fell between
  /// two frames, it says so by frame_finished()). Our pings, pongs and close frame wait for that frame to end.
  IoResult try_send(std::string_view frames);
  void frame_finished();
  /// Fetches what try_send() will touch; changes nothing.
  void prefetch() const noexcept { __builtin_prefetch(connection_.get()); }

  /// Sends a close frame and ends when the peer has answered, or at the deadline. Nothing is delivered after it.
  void close(std::uint16_t code, std::string_view reason = {});
  /// Ends at once, without a close frame and without on_closed.
  void abort() noexcept;

  bool open() const noexcept { return state_ == State::open; }
  bool closed() const noexcept { return state_ == State::closed; }
  /// Lets the peer's bytes wait in the kernel, and so the peer itself in the end.
  void pause_reading(bool paused);

  const DeflateAgreement& deflate() const noexcept { return deflate_; }
  const Address& address() const noexcept { return connection_->peer(); }
  Connection& connection() noexcept { return *connection_; }

 private:
  enum class State : std::uint8_t { open, closing, ending, closed };

  void on_readable() override;
  void on_writable() override;
  bool on_ws_message(Opcode kind, std::string_view payload) override;
  bool on_ws_ping(std::string_view payload) override;
  bool on_ws_pong(std::string_view payload) override;
  bool on_ws_close(std::uint16_t code, std::string_view reason) override;

  void feed(std::span<char> bytes);
  void on_timer();
  void queue_close(std::uint16_t code, std::string_view reason);
  void flush_output();
  void begin_ending();
  void end_writing();
  void broken(const IoResult& result);
  void lost(const IoResult& result);
  void finish();
  void watch_writing();

  // A sweep over thousands of clients touches these first ones of each: they are kept together.
  std::unique_ptr<Connection> connection_;
  std::string output_;  // frames of our own that wait
  std::size_t output_at_ = 0;
  Role role_;
  State state_ = State::open;
  bool mid_frame_ = false;  // try_send was cut inside a frame
  bool raw_waits_ = false;  // try_send found the socket full
  bool waiting_pong_ = false;
  bool sent_fin_ = false;
  bool broken_ = false;

  Owner* owner_;
  WsPeerOptions options_;
  DeflateAgreement deflate_;
  WsDecoder decoder_;
  std::unique_ptr<Inflater> inflater_;  // only if the peer keeps its context
  std::unique_ptr<std::string> early_;
  std::unique_ptr<WsEnd> end_;
  Timer timer_;
  Instant pinged_at_{};
};

}  // namespace bixws::net

// SPDX-License-Identifier: Apache-2.0
// Outbox: messages on their way to a broker, in order and of bounded size. Those that are to be acknowledged stay until
// they are, so that they can be sent again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

namespace bixws::nats {

struct Outgoing {
  std::string subject, payload;
  std::string id;     ///< for the broker, to know a repeat
  std::string reply;  ///< where an answer about it goes; of one that asks for none of its own
};
using SharedOutgoing = std::shared_ptr<const Outgoing>;

/// Not thread-safe.
class Outbox {
 public:
  /// `in_flight`: messages that may wait for their acknowledgement; 0: none is expected.
  Outbox(std::size_t most_bytes, std::size_t in_flight) : most_bytes_(most_bytes), most_in_flight_(in_flight) {}

  /// Takes one in; the oldest that were not sent yet make room. Returns how many of them did: their subjects have a
  /// hole now, which whoever reads them sees.
  std::size_t push(Outgoing message);
  /// The next to be sent with the number its acknowledgement will name; empty if there is none, or no more may be in
  /// flight. Calling it means that it is sent.
  struct Next {
    SharedOutgoing message;
    std::uint64_t number = 0;
  };
  [[nodiscard]] Next next();
  /// True if it was in flight.
  bool acknowledged(std::uint64_t number);
  /// Everything in flight is to be sent again, in order and before anything else.
  void rewind() { resend_ = 0; }

  [[nodiscard]] bool has_next() const;
  [[nodiscard]] bool empty() const { return waiting_.empty() && flying_.empty(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t in_flight() const { return flying_.size(); }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Flying {
    SharedOutgoing message;
    bool done = false;
  };
  static std::size_t size_of(const Outgoing& message);

  std::size_t most_bytes_, most_in_flight_;
  std::size_t bytes_ = 0;
  std::deque<SharedOutgoing> waiting_;
  std::deque<Flying> flying_;
  std::uint64_t first_ = 1;  // number of flying_.front()
  std::size_t resend_ = 0;   // of flying_, the next to be sent again; its size: none
};

}  // namespace bixws::nats

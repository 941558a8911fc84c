// SPDX-License-Identifier: Apache-2.0
// Track: how far one subject was followed, and what a message of it means for that.
#pragma once

#include <bixws/event.h>

#include <cstdint>

namespace bixws::nats {

/// A value; who keeps it feeds it every message of the subject in the order they come.
class Track {
 public:
  enum class Verdict : std::uint8_t {
    take,      ///< the next one
    hole,      ///< later ones than the next were missed, and it is taken: it stands alone
    repeated,  ///< known already
    wait,      ///< of no use before the state it builds on is known: ask for that
  };

  /// `stands_alone`: means something without those before it. `may_ask`: whoever publishes can be asked for the state.
  Verdict message(std::uint64_t n, bool stands_alone, bool may_ask) {
    if (n <= n_) return Verdict::repeated;
    const bool next = n == n_ + 1;
    const bool can_wait = may_ask && !asked_in_vain_;
    if (!next && can_wait && (n_ == 0 || !stands_alone)) {
      waits_ = true;
      return Verdict::wait;
    }
    return advance(n, n - 1);
  }

  /// An answer: the state after message `n`. take: nothing was followed before; hole: it replaces messages that were
  /// missed; repeated: nothing new.
  Verdict state(std::uint64_t n) {
    if (n > n_) return advance(n, n);
    if (n == n_) waits_ = false;
    return Verdict::repeated;
  }

  /// Nobody answers: from now on what comes is taken as it is.
  void give_up() {
    waits_ = false;
    asked_in_vain_ = true;
  }
  void forget() { *this = Track(); }
  [[nodiscard]] bool waits() const { return waits_; }
  [[nodiscard]] std::uint64_t n() const { return n_; }
  /// By the latest hole.
  [[nodiscard]] std::uint64_t missed() const { return missed_; }

 private:
  /// To `n`, with nothing of what came after n_ up to `until` having been seen.
  Verdict advance(std::uint64_t n, std::uint64_t until) {
    missed_ = n_ == 0 ? 0 : until - n_;
    n_ = n;
    waits_ = false;
    return missed_ == 0 ? Verdict::take : Verdict::hole;
  }

  std::uint64_t n_ = 0;
  std::uint64_t missed_ = 0;
  bool waits_ = false;
  bool asked_in_vain_ = false;
};

}  // namespace bixws::nats

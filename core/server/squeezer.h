// SPDX-License-Identifier: Apache-2.0
// Squeezer: compresses a loop's frames for the clients that agreed to permessage-deflate. Each message once per window
// size, whoever gets it; small ones travel plain.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/deflate.h"

namespace bixws::server {

/// Loop's thread only.
class Squeezer {
 public:
  /// What to compress with for a client that inflates with a window of this many bits: one of few sizes, so that a
  /// message is compressed few times. 0: not at all.
  [[nodiscard]] static int window_for(const net::DeflateAgreement& agreement);

  /// A whole frame that is about to go to many.
  void begin(std::string_view frame);
  /// The frame of the last begin() for a window that window_for() answered. Valid until the next begin().
  [[nodiscard]] std::string_view as(int window);
  /// Any number of whole frames, for one client.
  [[nodiscard]] std::string all(std::string_view frames, int window);

  /// Frames compressed so far, and bytes not sent because of it (counted once, not per client).
  [[nodiscard]] std::uint64_t squeezed() const { return squeezed_; }
  [[nodiscard]] std::uint64_t saved() const { return saved_; }

 private:
  [[nodiscard]] std::string squeeze(std::string_view frame, int window);

  std::string_view frame_;
  std::array<std::string, 16> made_;  // by window; empty: not made yet
  std::array<int, 3> windows_{};      // those made of the current frame
  std::size_t windows_made_ = 0;
  std::uint64_t squeezed_ = 0, saved_ = 0;
};

}  // namespace bixws::server

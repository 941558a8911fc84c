// SPDX-License-Identifier: Apache-2.0
// Traffic for the readers: real frames, repeated until they are enough, each followed by the padding that all of them
// may read beyond it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/captures.h"

namespace bixws::bench {

class Traffic {
 public:
  void add(std::string_view frame);
  [[nodiscard]] std::size_t size() const { return ends_.size(); }
  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] std::string_view frame(std::size_t index) const;
  /// One frame a line.
  void write(const std::string& path) const;

 private:
  std::string text_;
  std::vector<std::size_t> begins_, ends_;
};

/// A capture in the two parts in which it is read: what comes once after a subscription (snapshots, acknowledgements),
/// and what follows it.
struct Recording {
  Traffic opening, body;
};

enum class Part : std::uint8_t { all, trades };
/// Books and trades of the Coinbase capture, or its trades alone.
Recording coinbase_recording(const test::Capture& capture, Part part);
/// Any capture; the opening is empty.
Recording as_it_is(const test::Capture& capture);

}  // namespace bixws::bench

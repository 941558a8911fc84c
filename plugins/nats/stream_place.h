// SPDX-License-Identifier: Apache-2.0
// StreamPlace: up to where a stream was read, as a recording keeps it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bixws::nats {

/// A message of a stream, and which stream it was: one that was deleted and made anew numbers from 1 again.
struct StreamPlace {
  std::string stream;
  std::int64_t created = 0;  ///< ns since the epoch
  std::uint64_t seq = 0;
  [[nodiscard]] std::string text() const;
  static std::optional<StreamPlace> parse(std::string_view text);
};

}  // namespace bixws::nats

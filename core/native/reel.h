// SPDX-License-Identifier: Apache-2.0
// Reel: the raw frames of one exchange in a recorded session, one after the other.
#pragma once

#include <cstdint>
#include <string>

#include "model/batch.h"
#include "model/instruments.h"
#include "recording/playback.h"
#include "recording/recording.h"

namespace bixws::native {

/// Not thread-safe; several may read the same session.
class Reel {
 public:
  /// Throws RecordingError, ConfigError.
  Reel(const recording::PlaybackOptions& playback, std::string exchange);

  [[nodiscard]] const recording::SessionRow& session() const { return reader_.session(); }
  /// The frame at this place, of Kind::raw, borrowed until advance() or rewind(); nullptr: there is no more, or what
  /// comes is damaged (then error() says how).
  const Event* peek();
  /// Beyond the frame that peek() gave.
  void advance();
  void rewind();
  [[nodiscard]] std::uint64_t place() const { return place_; }  ///< frames before this place
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  Instruments instruments_;
  std::string exchange_;
  recording::SessionReader reader_;
  EventBatch batch_;
  std::size_t at_ = 0;
  std::uint64_t place_ = 0;
  bool exhausted_ = false;
  std::string error_;
};

}  // namespace bixws::native

// SPDX-License-Identifier: Apache-2.0
// verify: proves a recording, or says exactly what of it is damaged and what is still good. It repairs nothing.
#pragma once

#include <bixws/event.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "recording/hash.h"

namespace bixws::recording {

struct SessionReport {
  std::int64_t session = 0;
  bool clean = false;
  std::uint64_t events = 0;    ///< decoded
  std::optional<Hash> digest;  ///< absent if events are missing
  double coverage = 100;
  std::uint64_t gaps = 0;
  std::vector<std::string> errors;
};

struct VerifyReport {
  std::vector<std::string> errors;  ///< of the file as a whole
  std::vector<SessionReport> sessions;
  [[nodiscard]] bool good() const;
};

struct VerifyOptions {
  std::int64_t session = 0;  ///< 0: all
  /// Called now and then with how far it is, 0 to 1, and the events read so far; false: stop (throws RecordingError
  /// "interrupted").
  std::function<bool(double, std::uint64_t)> progress;
};

/// Checks structure, order, CRCs, hash chain, keyframes, and typed rows against chunks. Throws RecordingError if the
/// file is no recording or cannot be read at all, ConfigError if there is no such session.
[[nodiscard]] VerifyReport verify(const std::string& path, const VerifyOptions& options);

}  // namespace bixws::recording

// SPDX-License-Identifier: Apache-2.0
// FileNames: what a recording's file is called now, and when it is time for the next one.
#pragma once

#include <bixws/event.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bixws::recording {

/// When a recording goes on in another file. Neither: only when the pattern gives another name.
struct Rotation {
  Micros every = 0;         ///< at multiples of this since 1970 UTC
  std::uint64_t bytes = 0;  ///< when the file, its log included, is this large
};
/// "1h", "30m", "100MB", "1GB", "64MiB". nullopt for anything else.
[[nodiscard]] std::optional<Rotation> parse_rotation(std::string_view text);

/// A path with strftime's directives, in UTC: "day-%Y%m%d.db". Not thread-safe.
class FileNames {
 public:
  FileNames() = default;
  /// Throws ConfigError for a directive that strftime does not know.
  FileNames(std::string pattern, const Rotation& rotation);

  /// The name for now; the file may exist. Missing folders of a pattern are made; throws RecordingError if they cannot.
  [[nodiscard]] std::string first(Micros now);
  /// A name for now that no file has: with -2, -3 ... before its extension where necessary.
  [[nodiscard]] std::string next(Micros now);
  /// Whether the file that first() or next() named last, and which is this large, has had its time.
  [[nodiscard]] bool due(Micros now, std::uint64_t bytes) const;
  /// Another file may ever become due.
  [[nodiscard]] bool rotates() const { return has_directives_ || rotation_.every != 0 || rotation_.bytes != 0; }

 private:
  [[nodiscard]] std::string expand(Micros now) const;
  std::string begin(Micros now);

  std::string pattern_;
  Rotation rotation_;
  bool has_directives_ = false;
  std::string plain_;  // the expansion the present file's name came from
  Micros begun_ = 0;
};

}  // namespace bixws::recording

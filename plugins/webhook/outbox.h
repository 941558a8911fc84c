// SPDX-License-Identifier: Apache-2.0
// Outbox: alerts on the disk from the moment they fired until the receiver has them, whatever happens to the process.
#pragma once

#include <bixws/event.h>

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "recording/database.h"

namespace bixws::webhook {

/// One alert that waits.
struct Waiting {
  std::int64_t number = 0;
  std::string id;       ///< the alert's own
  std::string message;  ///< its protocol message
  std::string text;     ///< for people
  Micros ts = 0;
  std::int64_t attempts = 0;  ///< begun before; any of them may have reached the receiver
};

/// SQLite, synced with each change. Every call is safe from any thread and throws recording::RecordingError.
class Outbox {
 public:
  /// Made if missing. One process at a time: another is refused with a text that says so.
  explicit Outbox(const std::string& path);

  struct Entry {
    std::string id, message, text;
    Micros ts = 0;
  };
  /// All of them or none. Returns how many are new: an alert whose id waits already is not added again.
  std::int64_t add(const std::vector<Entry>& alerts, Micros now);
  /// The alert that has been due longest, marked as attempted before it is returned. `next_due` is when to look again
  /// if there is none; 0: nothing waits at all.
  std::optional<Waiting> begin(Micros now, Micros& next_due);
  void delivered(std::int64_t number);
  /// Not before `due` again.
  void postpone(std::int64_t number, Micros due);
  /// Drops what is older than `oldest` and, beyond `most`, the oldest. Returns how many.
  std::int64_t expire(Micros oldest, std::int64_t most);
  [[nodiscard]] std::int64_t size();

 private:
  std::mutex mutex_;
  recording::Database db_;
  recording::Statement insert_, select_, next_, attempt_, remove_, postpone_;
};

}  // namespace bixws::webhook

// SPDX-License-Identifier: Apache-2.0
// RowCheck: compares a session's typed rows with what its events say they must be.
#pragma once

#include <bixws/event.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "recording/database.h"
#include "recording/typed_rows.h"

namespace bixws::recording {

/// Fed with the session's events in order. Not thread-safe.
class RowCheck {
 public:
  using Complain = std::function<void(std::string)>;

  RowCheck(Database& database, std::int64_t session, Complain complain);
  ~RowCheck();
  void check(std::uint64_t seq, const Event& event);
  /// Events up to `seq` that were not checked are not known: rows that belong to them cannot be judged.
  void skip(std::uint64_t seq);
  /// After the last event: whatever rows are left have no event.
  void finish();

 private:
  class Rows;
  Complain complain_;
  std::array<std::unique_ptr<Rows>, kTableCount> tables_;
};

}  // namespace bixws::recording

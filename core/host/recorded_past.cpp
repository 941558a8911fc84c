// SPDX-License-Identifier: Apache-2.0
// RecordedPast: waits for the commit that memory counts on.
#include "host/recorded_past.h"

#include <algorithm>
#include <chrono>

namespace bixws::host {
namespace {
constexpr std::chrono::seconds kLongestWait{1};  // a commit comes every 100 ms, unless the disk fails
}

std::unique_ptr<RecordedPast> RecordedPast::of_live() {
  return std::unique_ptr<RecordedPast>(new RecordedPast({}, 0, true));
}

std::unique_ptr<RecordedPast> RecordedPast::of_replay(std::string path, std::int64_t session) {
  return std::unique_ptr<RecordedPast>(new RecordedPast(std::move(path), session, false));
}

void RecordedPast::in_file(const std::string& path) {
  const std::lock_guard lock(mutex_);
  path_ = path;
}

void RecordedPast::committed(Micros recv_ts) {
  {
    const std::lock_guard lock(mutex_);
    committed_ = std::max(committed_, recv_ts);
  }
  changed_.notify_all();
}

HistoryPage RecordedPast::read(HistoryQuery query) {
  std::unique_lock lock(mutex_);
  if (live_) {
    // What memory let go a moment ago must be on the disk. What memory never had is not awaited.
    const bool let_go = query.to <= query.now;
    query.now = INT64_MAX;
    if (let_go) changed_.wait_for(lock, kLongestWait, [&] { return query.over() || committed_ >= query.to - 1; });
  }
  const std::string path = path_;
  lock.unlock();
  return recording::Past(path, session_).read(query);
}

}  // namespace bixws::host

// SPDX-License-Identifier: Apache-2.0
// Inbox: one lock, held for a few pointers.
#include "server/inbox.h"

namespace bixws::server {

void Inbox::take(SharedRun run) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [this] { return signal_ == nullptr || bytes_ < kBytes; });
  if (signal_ == nullptr) return;
  bytes_ += run->bytes.size();
  runs_.push_back(std::move(run));
  signal_->raise();
}

SharedRun Inbox::next() {
  SharedRun run;
  {
    const std::lock_guard lock(mutex_);
    if (runs_.empty()) return nullptr;
    run = std::move(runs_.front());
    runs_.pop_front();
    bytes_ -= run->bytes.size();
  }
  room_.notify_one();
  return run;
}

std::size_t Inbox::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

void Inbox::close() {
  {
    const std::lock_guard lock(mutex_);
    signal_ = nullptr;
  }
  room_.notify_all();
}

}  // namespace bixws::server

// SPDX-License-Identifier: Apache-2.0
// Feed: whatever fills the hub, as the pipeline sees it.
#pragma once

#include <functional>
#include <string>

namespace bixws::host {

/// How a feed ended by itself.
struct FeedEnd {
  bool failed = false;
  bool refused = false;  ///< failed because what was asked for does not exist (unknown symbol): exit 2
  std::string reason;    ///< a whole sentence
};

/// start() and stop() from one thread.
class Feed {
 public:
  /// Called once, from the feed's thread, when the feed will bring nothing more. Not after stop().
  using OnEnd = std::function<void(const FeedEnd&)>;

  virtual ~Feed() = default;
  [[nodiscard]] virtual const std::string& name() const = 0;
  /// Slow consumers hold it back instead of losing data.
  [[nodiscard]] virtual bool held_back() const = 0;
  virtual void start(OnEnd on_end) = 0;
  /// Returns when its threads are gone and everything it published is in the hub's queue. Idempotent.
  virtual void stop() = 0;
};

}  // namespace bixws::host

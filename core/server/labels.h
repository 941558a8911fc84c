// SPDX-License-Identifier: Apache-2.0
// Labels: instruments by their name on the wire, the plain symbol for the first feed's and exchange:SYMBOL for others.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "model/instruments.h"

namespace bixws::server {

/// Every call is safe from any thread.
class Labels {
 public:
  /// `first_exchange`: the first feed given; its symbols need no prefix. Empty: not known yet.
  Labels(const Instruments& instruments, std::string first_exchange);
  /// Once, and before the first event of that exchange.
  void set_first_exchange(std::string exchange);

  /// Empty for the instrument that stands for a whole feed.
  [[nodiscard]] std::string label(const Instrument& instrument) const;

  struct Match {
    const Instrument* instrument = nullptr;  ///< nullptr: then `error` says why
    std::string error;                       ///< "unknown symbol BTCUSDX; did you mean BTCUSDT?"
  };
  /// Any spelling people use: case, '-' and '/', XBT, with or without the exchange.
  [[nodiscard]] Match find(std::string_view text) const;
  /// Every instrument that is not a whole feed.
  [[nodiscard]] std::vector<const Instrument*> all() const;

 private:
  [[nodiscard]] std::string first_exchange() const;

  const Instruments& instruments_;
  mutable std::mutex mutex_;
  std::string first_exchange_;  // guarded by mutex_
};

}  // namespace bixws::server

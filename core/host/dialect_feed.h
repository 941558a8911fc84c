// SPDX-License-Identifier: Apache-2.0
// DialectFeed: an exchange's dialect, run by feed::ExchangeFeed, as a feed of the pipeline.
#pragma once

#include <bixws/dialect.h>

#include <memory>
#include <string>
#include <vector>

#include "feed/exchange_feed.h"
#include "host/feed.h"
#include "host/feed_host.h"

namespace bixws::host {

class DialectFeed final : public Feed {
 public:
  struct Options {
    std::vector<std::string> symbols;
    std::uint32_t channels = 0;  ///< 1 << int(Channel)
    unsigned connections = 1;
    bool raw = false;
    /// A symbol that the exchange does not list ends the feed as refused; otherwise it is left out with a warning,
    /// unless none is left.
    bool symbols_must_exist = true;
  };
  DialectFeed(std::string name, std::unique_ptr<Dialect> dialect, Options options, const Surroundings& around);

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] bool held_back() const override { return false; }
  /// Throws ConfigError if an endpoint is no URL.
  void start(OnEnd on_end) override;
  void stop() override { feed_->stop(); }

  [[nodiscard]] const feed::Figures& figures() const { return feed_->figures(); }

 private:
  void refuse(const std::string& sentence);

  std::string name_;
  Surroundings around_;
  OnEnd on_end_;
  bool refused_ = false;  // the feed's thread
  std::unique_ptr<feed::ExchangeFeed> feed_;
};

}  // namespace bixws::host

// SPDX-License-Identifier: Apache-2.0
// RemoteServer: another bixws server, read through feed::RemoteSource, as a feed of the pipeline.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "feed/remote_source.h"
#include "host/feed.h"
#include "host/feed_host.h"

namespace bixws::host {

class RemoteServer final : public Feed {
 public:
  /// `symbols` empty: all that the server has; `channels` as in a subscribe. Throws ConfigError for a bad URL.
  RemoteServer(const feed::RemoteOptions& options, std::vector<std::string> symbols, std::vector<std::string> channels,
               const Surroundings& around);

  [[nodiscard]] const std::string& name() const override { return source_.name(); }
  /// What comes is lossless, and waiting holds the server back rather than losing anything.
  [[nodiscard]] bool held_back() const override { return true; }
  void start(OnEnd on_end) override;
  void stop() override { source_.stop(); }

 private:
  Surroundings around_;
  feed::RemoteSource source_;
};

}  // namespace bixws::host

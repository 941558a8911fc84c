// SPDX-License-Identifier: Apache-2.0
// The real `bixws serve` on a free port, for tests that knock at it from outside.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <regex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/process.h"
#include "support/ws_test_client.h"

namespace bixws::test {

// Of whatever feeds `more` names.
class ServingFeeds {
 public:
  // `more` are further arguments; `options` may set environment and folder. Throws std::runtime_error when it does not
  // come to listen.
  explicit ServingFeeds(const std::filesystem::path& program, std::vector<std::string> more,
                        ProcessOptions options = {})
      : process(program, with_arguments(std::move(more), std::move(options))) {
    const auto line = process.wait_for_line("listening on (wss?)://\\S*:([0-9]+)", Process::Output::err);
    if (!line) throw std::runtime_error("bixws serve does not listen: " + process.err());
    secure_ = (*line)[1] == "wss";
    authority_ = "127.0.0.1:" + (*line)[2];
  }

  std::string ws(const std::string& target = "/") const { return (secure_ ? "wss://" : "ws://") + authority_ + target; }
  std::string http(const std::string& target) const { return (secure_ ? "https://" : "http://") + authority_ + target; }
  std::uint16_t port() const { return Url::parse(ws()).port; }

  // Another client is served: it connects, and gets its initial_data.
  bool serves_another() const {
    WsTestClient client;
    if (!client.connect(ws())) return false;
    const auto first = client.next_text();
    return first && first->find("\"initial_data\"") != std::string::npos;
  }

  // A figure of /metrics; "0" while there is none of that name.
  std::string counter(const std::string& name) const {
    const std::string text = http_get(http("/metrics")).body;
    std::smatch found;
    return std::regex_search(text, found, std::regex("(?:^|\n)" + name + " (\\S+)")) ? found[1].str()
                                                                                     : std::string("0");
  }
  // Ends it as an operator would, and expects that it ends well.
  void stop() {
    process.send_signal(SIGTERM);
    EXPECT_EQ(process.wait_exit(Milliseconds(20'000)), ExitStatus{}) << process.err();
  }

  Process process;

 private:
  static ProcessOptions with_arguments(std::vector<std::string> more, ProcessOptions options) {
    options.args = {"serve", "--port", "0"};
    options.args.insert(options.args.end(), more.begin(), more.end());
    return options;
  }

  std::string authority_;
  bool secure_ = false;
};

// Of a made-up market.
class Serving : public ServingFeeds {
 public:
  explicit Serving(const std::filesystem::path& program, std::vector<std::string> more = {},
                   ProcessOptions options = {})
      : ServingFeeds(program, with_market(std::move(more)), std::move(options)) {}

 private:
  static std::vector<std::string> with_market(std::vector<std::string> more) {
    more.insert(more.begin(), {"--feed", "sim:rate=200,seed=7"});
    return more;
  }
};

}  // namespace bixws::test

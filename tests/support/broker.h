// SPDX-License-Identifier: Apache-2.0
// A real NATS server of the test's own, on a port of its own, that can be killed and comes back with what it has kept.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/process.h"
#include "support/temp_dir.h"

namespace bixws::test {

class Broker {
 public:
  /// Empty: there is no nats-server on this machine.
  static std::string program() {
    std::istringstream folders(std::string(std::getenv("PATH") != nullptr ? std::getenv("PATH") : "") + ":/usr/sbin");
    for (std::string folder; std::getline(folders, folder, ':');) {
      if (std::filesystem::exists(folder + "/nats-server")) return folder + "/nats-server";
    }
    return {};
  }

  /// `more`: lines of its configuration. Throws std::runtime_error if it does not come up.
  explicit Broker(std::string more = {}) : more_(std::move(more)) { start(); }

  std::string url() const { return "nats://127.0.0.1:" + std::to_string(port_); }
  std::uint16_t port() const { return port_; }
  Process& process() { return *process_; }
  void kill() {
    process_->send_signal(SIGKILL);
    process_->wait_exit();
  }
  /// Again on the same port.
  void start() {
    const auto config =
        folder_.write("nats.conf", "listen: 127.0.0.1:" + std::to_string(port_ == 0 ? -1 : port_) +
                                       "\njetstream { store_dir: \"" + (folder_ / "store").string() + "\" }\n" + more_);
    ProcessOptions options;
    options.args = {"-c", config.string()};
    process_ = std::make_unique<Process>(program(), options);
    const auto line =
        process_->wait_for_line("Listening for client connections on \\S*:([0-9]+)", Process::Output::err);
    if (!line || !process_->wait_for_line("Server is ready", Process::Output::err)) {
      throw std::runtime_error("nats-server does not come up: " + process_->err());
    }
    port_ = static_cast<std::uint16_t>(std::stoi((*line)[1]));
  }

 private:
  TempDir folder_;
  std::string more_;
  std::uint16_t port_ = 0;
  std::unique_ptr<Process> process_;
};

/// Tests with a broker: without one they are skipped, loudly, and fail where CI is "true".
class BrokerTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!Broker::program().empty()) return;
    const char* ci = std::getenv("CI");
    if (ci != nullptr && std::string(ci) == "true") FAIL() << "no nats-server; scripts/deps ci installs it";
    GTEST_SKIP() << "no nats-server on this machine; scripts/deps ci installs it";
  }
};

}  // namespace bixws::test

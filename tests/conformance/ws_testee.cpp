// SPDX-License-Identifier: Apache-2.0
// ws_testee URL: the client layer under test. Asks URL/getCaseCount, echoes through each URL/runCase, and ends with
// URL/updateReports, as conformance suites expect.
#include <charconv>
#include <cstdio>
#include <exception>
#include <string>

#include "net/ws_client.h"

namespace {

using namespace bixws::net;

constexpr const char* agent = "bixws";

class Testee final : public WsClient::Owner {
 public:
  Testee(Loop& loop, std::string base) : loop_(&loop), base_(std::move(base)), client_(loop, make_options(), *this) {
    while (base_.ends_with('/')) base_.pop_back();
    connect("/getCaseCount");
  }
  int status() const { return status_; }

  void on_open(WsClient&) override {}
  void on_message(WsClient& client, Opcode kind, std::string_view payload) override {
    if (step_ == Step::counting) {
      std::from_chars(payload.data(), payload.data() + payload.size(), cases_);
      return;
    }
    if (client.send(kind, payload) == SendStatus::queued) client.peer()->pause_reading(true);
  }
  void on_writable(WsClient& client) override { client.peer()->pause_reading(false); }
  void on_failed(WsClient&, const NetFailure& failure) override {
    std::fprintf(stderr, "ws_testee: %s\n", failure.text.c_str());
    // A case may be about a handshake that has to fail; without a count or a report the run is void.
    if (step_ != Step::running) status_ = 1;
    next();
  }
  void on_closed(WsClient&, const WsEnd&) override { next(); }

 private:
  enum class Step { counting, running, reporting };

  static WsClientOptions make_options() {
    WsClientOptions options;
    options.deflate = true;
    options.peer.max_message = std::size_t{16} * 1024 * 1024;
    options.peer.max_queued = 2 * options.peer.max_message;
    return options;
  }
  void connect(const std::string& target) { client_.connect(parse_url(base_ + target)); }
  void next() {
    if (status_ == 0 && step_ != Step::reporting && case_ < cases_) {
      step_ = Step::running;
      connect("/runCase?case=" + std::to_string(++case_) + "&agent=" + agent);
    } else if (status_ == 0 && step_ != Step::reporting) {
      step_ = Step::reporting;
      connect(std::string("/updateReports?agent=") + agent);
    } else {
      loop_->stop();
    }
  }

  Loop* loop_;
  std::string base_;
  Step step_ = Step::counting;
  int cases_ = 0;
  int case_ = 0;
  int status_ = 0;
  WsClient client_;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fputs("usage: ws_testee URL (of a suite's server, e.g. ws://127.0.0.1:9001)\n", stderr);
    return 2;
  }
  try {
    Loop loop;
    const Testee testee(loop, arguments[1]);
    loop.run();
    return testee.status();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ws_testee: %s\n", error.what());
    return 1;
  }
}

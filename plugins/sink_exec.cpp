// SPDX-License-Identifier: Apache-2.0
// sink_exec: any program as a sink. It reads protocol messages, one a line, on its stdin; the end of it means the end.
#include <bixws/describe.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iterator>
#include <new>
#include <string>
#include <vector>

#include "exec/child.h"
#include "feed/backoff.h"
#include "model/event_json.h"

namespace {

using namespace bixws;

constexpr int kPatience = 5'000;  // ms for the program to work off its input at the end

constexpr Option kOptions[] = {
    {"command", OptionType::string, nullptr, "the program and its arguments, as \"python3 my_sink.py\"; no shell"},
    {"channels", OptionType::list, "", "made of ticker|trades|book|candle|status|gap|alert|annotation; default: all"},
    {"first-wait", OptionType::duration, "1s", "before a program that ended is started again; doubles each time"},
    {"longest-wait", OptionType::duration, "1m", "and never becomes longer than this"},
};

std::uint32_t kinds_of(std::string_view text) {
  if (text.empty()) return ~std::uint32_t{0};
  std::uint32_t kinds = 0;
  for (const auto& [name, kind] :
       {std::pair{"ticker", Kind::ticker}, std::pair{"trades", Kind::trades}, std::pair{"book", Kind::book},
        std::pair{"candle", Kind::candle}, std::pair{"status", Kind::status}, std::pair{"gap", Kind::gap},
        std::pair{"alert", Kind::alert}, std::pair{"annotation", Kind::annotation}}) {
    const std::string all = "+" + std::string(text) + "+";
    if (all.find("+" + std::string(name) + "+") != std::string::npos) kinds |= 1U << static_cast<unsigned>(kind);
  }
  return kinds;
}

class ExecSink final : public Sink {
 public:
  ExecSink(std::vector<std::string> words, std::uint32_t kinds, Micros first_wait, Micros longest_wait)
      : words_(std::move(words)), kinds_(kinds), longest_wait_(longest_wait), backoff_(first_wait, longest_wait, 1) {}

  int open(Host& host) noexcept override {
    host_ = &host;
    host.count("lost_lines", 0);
    // A program that cannot be started at all is a mistake in the configuration.
    const std::string why = child_.start(words_);
    started_ = host.now();
    if (why.empty()) return 0;
    host.log(LogLevel::error, "cannot start " + words_[0] + ": " + why);
    return 1;
  }

  int consume(const Event* events, std::size_t count) noexcept override {
    if (!child_.running() && !start_again()) return lose(events, count);
    for (std::size_t i = 0; i < count; ++i) {
      if (!wanted(events[i])) continue;
      const std::size_t before = out_.size();
      append_message(out_, events[i], events[i].instrument->symbol);
      if (out_.size() > before) out_.raw('\n');
    }
    write_out();
    return 0;
  }

  int flush() noexcept override { return 0; }

  void close() noexcept override {
    if (!child_.running()) return;
    read_away();
    const int status = child_.finish(kPatience);
    if (status != 0) host_->log(LogLevel::warning, words_[0] + " ended with " + exec::describe_exit(status));
  }

 private:
  [[nodiscard]] bool wanted(const Event& event) const {
    return (kinds_ >> static_cast<unsigned>(event.kind) & 1U) != 0;
  }

  /// Waits as long as the program is slow: SinkHost bounds what gathers behind us, and says what was dropped.
  void write_out() {
    std::string_view rest = out_.view();
    while (!rest.empty()) {
      pollfd fds[] = {{child_.in(), POLLOUT, 0}, {child_.out(), POLLIN, 0}, {host_->stop_fd(), POLLIN, 0}};
      if (child_.out() < 0) fds[1].fd = -1;
      if (stopping_) fds[2].fd = -1;
      const int ready = ::poll(fds, 3, stopping_ ? kPatience : -1);
      if (ready < 0 && errno == EINTR) continue;
      if (ready == 0) return ended("it did not read its input");
      if (fds[2].revents != 0) stopping_ = true;
      if (fds[1].revents != 0) read_away();
      if (fds[0].revents == 0) continue;
      const ssize_t count = ::write(child_.in(), rest.data(), rest.size());
      if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (count < 0) {
        // What stood in the pipe of a dead program nobody has read; what did not fit is counted.
        host_->count("lost_lines", static_cast<std::uint64_t>(std::count(rest.begin(), rest.end(), '\n')));
        return ended({});
      }
      rest.remove_prefix(static_cast<std::size_t>(count));
    }
    out_.clear();
  }

  /// What the program prints goes nowhere; read it, or it would wait for us for ever.
  void read_away() {
    char part[4096];
    ssize_t count = 0;
    while ((count = ::read(child_.out(), part, sizeof part)) > 0) {
    }
    if (count == 0) child_.close_out();
  }

  void ended(const std::string& why) {
    out_.clear();
    const int status = child_.finish(0);
    if (host_->now() - started_ > longest_wait_) backoff_.reset();
    const Micros wait = backoff_.next();
    next_start_ = host_->now() + wait;
    host_->count("restarts", 1);
    host_->log(LogLevel::warning, words_[0] + " ended" +
                                      (why.empty() ? " with " + exec::describe_exit(status) : ": " + why) +
                                      "; starting it again in " + std::to_string(wait / 1000) + " ms");
  }

  bool start_again() {
    if (host_->now() < next_start_) return false;
    started_ = host_->now();
    const std::string why = child_.start(words_);
    if (why.empty()) return true;
    next_start_ = started_ + backoff_.next();
    host_->log(LogLevel::warning, "cannot start " + words_[0] + ": " + why);
    return false;
  }

  int lose(const Event* events, std::size_t count) {
    const auto lost = std::count_if(events, events + count, [this](const Event& e) { return wanted(e); });
    host_->count("lost_lines", static_cast<std::uint64_t>(lost));
    return 0;
  }

  std::vector<std::string> words_;
  std::uint32_t kinds_;
  Micros longest_wait_;
  feed::Backoff backoff_;
  Host* host_ = nullptr;
  exec::Child child_;
  TextBuffer out_;
  Micros started_ = 0, next_start_ = 0;
  bool stopping_ = false;
};

Sink* make(const Settings& settings, Error& error) noexcept {
  try {
    auto words = exec::split_command(settings.get("command"));
    if (words.empty()) throw std::runtime_error("command is empty");
    const Micros first = settings.integer("first-wait");
    const Micros longest = settings.integer("longest-wait");
    if (first < 1'000 || longest < first) {
      throw std::runtime_error("first-wait must be at least 1ms and longest-wait no shorter");
    }
    return new ExecSink(std::move(words), kinds_of(settings.get("channels")), first, longest);
  } catch (const std::exception& e) {
    std::snprintf(error.text, sizeof error.text, "%s", e.what());
    return nullptr;
  }
}

constexpr Descriptor kDescriptor =
    describe_sink("exec", BIXWS_VERSION, "a program of yours that reads protocol messages", kOptions, &make);

}  // namespace

BIXWS_EXPORT const bixws::Descriptor* bixws_plugin_v1() noexcept { return &kDescriptor; }

// SPDX-License-Identifier: Apache-2.0
// feed_exec: any program as a feed. It prints protocol messages, one a line, on stdout; what was asked for is the first
// line on its stdin, whose end tells it to stop.
#include <bixws/describe.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <map>
#include <new>
#include <string>
#include <vector>

#include "exec/child.h"
#include "model/event_parse.h"
#include "model/text_buffer.h"

namespace {

using namespace bixws;

constexpr std::size_t kLongestLine = std::size_t{4} << 20;
constexpr int kPatience = 2'000;  // ms for the program to leave once its stdin is closed
constexpr std::uint64_t kToldLines = 5;

constexpr Option kOptions[] = {
    {"command", OptionType::string, nullptr,
     "the program and its arguments, as \"python3 my_feed.py --fast\"; no shell"},
    {"restart", OptionType::string, "failure",
     "failure|always|never: start it again when it ends; exit code 0 is no failure and ends the feed"},
};

std::string subscribe_line(const Settings& settings) {
  TextBuffer out;
  out.raw("{\"type\":\"subscribe\",\"symbols\":[");
  for (std::size_t i = 0; i < settings.symbol_count(); ++i) {
    if (i != 0) out.raw(',');
    out.quoted(settings.symbol(i));
  }
  out.raw("],\"channels\":[");
  bool first = true;
  for (const auto& [channel, name] : {std::pair{Channel::ticker, "ticker"}, std::pair{Channel::trades, "trades"},
                                      std::pair{Channel::book, "book"}, std::pair{Channel::candle, "candles:1m"}}) {
    if ((settings.channels() >> static_cast<unsigned>(channel) & 1U) == 0) continue;
    if (!first) out.raw(',');
    first = false;
    out.quoted(name);
  }
  out.raw("]}\n");
  return out.str();
}

class ExecFeed final : public FeedSource {
 public:
  ExecFeed(std::vector<std::string> words, std::string restart, std::string subscribe)
      : words_(std::move(words)), restart_(std::move(restart)), subscribe_(std::move(subscribe)), parser_(table_) {
    parser_.assume_exchange(kExchange);
  }

  int run(Host& host) noexcept override {
    try {
      return follow(host);
    } catch (const std::exception& e) {
      host.log(LogLevel::error, e.what());
      return 1;
    }
  }

 private:
  static constexpr const char* kExchange = "exec";

  int follow(Host& host) {
    exec::Child child;
    if (const std::string why = child.start(words_); !why.empty()) {
      host.log(LogLevel::error, "cannot start " + words_[0] + ": " + why);
      return 1;
    }
    to_send_ = subscribe_;
    line_.clear();
    overlong_ = false;
    live_ = false;
    const bool stopped = pump(child, host);
    const int status = child.finish(kPatience);
    if (stopped) return 0;
    const std::string how = exec::describe_exit(status);
    const bool failed = status != 0;
    if (restart_ == "never" && failed) host.log(LogLevel::error, words_[0] + " ended with " + how);
    if (restart_ == "never" || (restart_ == "failure" && !failed)) return 0;
    host.log(LogLevel::warning, words_[0] + " ended with " + how);
    return 1;
  }

  /// Until the program's output ends (false) or we shall stop (true).
  bool pump(exec::Child& child, Host& host) {
    for (;;) {
      pollfd fds[] = {{host.stop_fd(), POLLIN, 0}, {child.out(), POLLIN, 0}, {child.in(), POLLOUT, 0}};
      if (to_send_.empty()) fds[2].fd = -1;
      if (::poll(fds, 3, -1) < 0 && errno != EINTR) return false;
      if (fds[0].revents != 0) return true;
      if (fds[2].revents != 0 && !send_some(child)) to_send_.clear();  // it does not read; it may still write
      if (fds[1].revents == 0) continue;
      char part[65536];
      const ssize_t count = ::read(child.out(), part, sizeof part);
      if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (count <= 0) return false;
      if (!take({part, static_cast<std::size_t>(count)}, host)) return true;
    }
  }

  bool send_some(exec::Child& child) {
    const ssize_t count = ::write(child.in(), to_send_.data(), to_send_.size());
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    to_send_.erase(0, static_cast<std::size_t>(count));
    return true;
  }

  /// The lines of one read make one batch. False: the host is stopping.
  bool take(std::string_view bytes, Host& host) {
    batch_.clear();
    while (!bytes.empty()) {
      const std::size_t end = bytes.find('\n');
      const std::string_view piece = bytes.substr(0, end);
      if (line_.size() + piece.size() > kLongestLine) overlong_ = true;
      if (!overlong_) line_ += piece;
      if (end == std::string_view::npos) break;
      if (overlong_) {
        bad_line("longer than 4 MiB", host);
      } else if (!line_.empty()) {
        read_line(host);
      }
      line_.clear();
      overlong_ = false;
      bytes.remove_prefix(end + 1);
    }
    const auto events = batch_.events();
    for (Event& event : events) event.instrument = &instrument(*event.instrument, host);
    return events.empty() || host.publish(events.data(), events.size());
  }

  void read_line(Host& host) {
    const std::size_t before = batch_.size();
    const ParsedMessage message = parser_.parse(line_, batch_);
    if (!message.problem.empty()) return bad_line(message.problem, host);
    if (batch_.size() == before) return bad_line("is of no type that a feed sends", host);
    if (live_) return;
    live_ = true;
    Status status;
    status.state = FeedState::live;
    const Event event = Event::of(host.instrument(""), host.now(), 0, status);
    host.publish(&event, 1);
  }

  void bad_line(const std::string& why, Host& host) {
    host.count("bad_lines", 1);
    if (++bad_lines_ > kToldLines) return;
    host.log(LogLevel::warning, "a line of " + words_[0] + " is left out: " + why + ": " + line_.substr(0, 100) +
                                    (bad_lines_ == kToldLines ? " (further ones are only counted)" : ""));
  }

  /// The parser's table knows whatever exchange a line names; ours knows one.
  const Instrument& instrument(const Instrument& parsed, Host& host) {
    const Instrument*& known = known_[parsed.id];
    if (known == nullptr) known = &host.instrument(parsed.symbol);
    return *known;
  }

  std::vector<std::string> words_;
  std::string restart_, subscribe_;
  std::string to_send_;
  std::string line_;
  bool overlong_ = false;
  bool live_ = false;
  std::uint64_t bad_lines_ = 0;
  Instruments table_;
  MessageParser parser_;
  std::map<std::uint32_t, const Instrument*> known_;
  EventBatch batch_;
};

FeedSource* make(const Settings& settings, Error& error) noexcept {
  try {
    auto words = exec::split_command(settings.get("command"));
    if (words.empty()) throw std::runtime_error("command is empty");
    return new ExecFeed(std::move(words), std::string(settings.get("restart")), subscribe_line(settings));
  } catch (const std::exception& e) {
    std::snprintf(error.text, sizeof error.text, "%s", e.what());
    return nullptr;
  }
}

constexpr Descriptor kDescriptor =
    describe_feed("exec", BIXWS_VERSION, "a program of yours that prints protocol messages", kOptions, &make);

}  // namespace

BIXWS_EXPORT const bixws::Descriptor* bixws_plugin_v1() noexcept { return &kDescriptor; }

// SPDX-License-Identifier: Apache-2.0
// sink_spread: bid and ask of each symbol, a line each time they change, into a file.
#include <bixws/describe.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <string>

namespace {

using namespace bixws;

constexpr Option kOptions[] = {{"file", OptionType::string, nullptr, "where the lines go; it is begun anew"}};

class SpreadSink final : public Sink {
 public:
  explicit SpreadSink(std::string_view path) : path_(path) {}

  int open(Host& host) noexcept override {
    file_ = std::fopen(path_.c_str(), "we");
    if (file_ != nullptr) return 0;
    host.log(LogLevel::error, path_ + ": " + std::strerror(errno));
    return 1;
  }
  int consume(const Event* events, std::size_t count) noexcept override {
    for (std::size_t i = 0; i < count; ++i) {
      if (events[i].kind != Kind::ticker) continue;
      const Ticker& ticker = events[i].ticker();
      if (!ticker.bid.has_value() || !ticker.ask.has_value()) continue;
      std::fprintf(file_, "%s %s %s\n", std::string(events[i].instrument->symbol).c_str(),
                   ticker.bid.to_string().c_str(), ticker.ask.to_string().c_str());
    }
    return std::ferror(file_);
  }
  int flush() noexcept override { return std::fflush(file_); }
  void close() noexcept override { std::fclose(file_); }

 private:
  std::string path_;
  std::FILE* file_ = nullptr;
};

Sink* make(const Settings& settings, Error&) noexcept { return new (std::nothrow) SpreadSink(settings.get("file")); }

constexpr Descriptor kDescriptor = describe_sink("spread", "1.0", "bid and ask into a file", kOptions, &make);

}  // namespace

BIXWS_EXPORT const bixws::Descriptor* bixws_plugin_v1() noexcept { return &kDescriptor; }

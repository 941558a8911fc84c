// SPDX-License-Identifier: Apache-2.0
// A sink that counts events on stdout when it is closed, or fails as its options say.
#include <bixws/describe.h>

#include <cstdio>
#include <iterator>
#include <string>

namespace {

using namespace bixws;

const Option kOptions[] = {
    {"mode", OptionType::string, "count", "count|no_open|no_consume: what fails"},
    {"file", OptionType::string, nullptr, "where the count is written"},
};

class MoodySink final : public Sink {
 public:
  MoodySink(std::string mode, std::string file) : mode_(std::move(mode)), file_(std::move(file)) {}

  int open(Host& host) noexcept override {
    if (mode_ != "no_open") return 0;
    host.log(LogLevel::error, "cannot open anything today");
    return 1;
  }
  int consume(const Event*, std::size_t count) noexcept override {
    events_ += count;
    return mode_ == "no_consume" ? 1 : 0;
  }
  int flush() noexcept override { return 0; }
  void close() noexcept override {
    if (std::FILE* file = std::fopen(file_.c_str(), "w")) {
      std::fprintf(file, "%zu\n", events_);
      std::fclose(file);
    }
  }

 private:
  std::string mode_, file_;
  std::size_t events_ = 0;
};

Sink* make(const Settings& settings, Error&) noexcept {
  return new MoodySink(std::string(settings.get("mode")), std::string(settings.get("file")));
}

constexpr Descriptor kDescriptor = describe_sink("moody", "1.2", "counts or fails", kOptions, &make);

}  // namespace

BIXWS_EXPORT const bixws::Descriptor* bixws_plugin_v1() noexcept { return &kDescriptor; }

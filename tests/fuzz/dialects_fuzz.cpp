// SPDX-License-Identifier: Apache-2.0
// Every dialect of this build, whatever it is sent. An input is text: the name of a feed, then lines of one letter and
// a body: f a frame of connection 1, g one of connection 2, l an instrument list, s a book snapshot, x connection 1 is
// lost. No crash, no exception out of a dialect (it would end the process), no event that cannot be written, and no
// more memory than the input is worth.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "feed/intake.h"
#include "host/plugin_file.h"
#include "host/spec.h"
#include "model/event_json.h"

namespace {

using namespace bixws;

// What an event may cost, for each byte of a frame and for the frame itself.
constexpr std::size_t kBytesPerByte = 256;
constexpr std::size_t kBytesPerFrame = std::size_t{256} << 10;

struct Plugin {
  std::string name;
  const Descriptor* descriptor;
};

/// In the build's root, two folders above this program or beside it.
std::vector<Plugin> load_dialects() {
  std::vector<Plugin> plugins;
  const auto program = std::filesystem::read_symlink("/proc/self/exe");
  for (const auto& entry : std::filesystem::directory_iterator(program.parent_path().parent_path())) {
    const std::string file = entry.path().filename().string();
    constexpr std::string_view kBefore = "libbixws_feed_", kAfter = ".so";
    if (!file.starts_with(kBefore) || !file.ends_with(kAfter)) continue;
    const std::string name = file.substr(kBefore.size(), file.size() - kBefore.size() - kAfter.size());
    const auto opened = host::open_plugin(entry.path().string(), "feed", name);
    if (opened.descriptor == nullptr) {
      std::fprintf(stderr, "%s %s\n", file.c_str(), opened.problem.c_str());
      std::abort();
    }
    if (opened.descriptor->make_dialect != nullptr) plugins.push_back({name, opened.descriptor});
  }
  std::sort(plugins.begin(), plugins.end(), [](const Plugin& a, const Plugin& b) { return a.name < b.name; });
  if (plugins.empty()) {
    std::fprintf(stderr, "there is no dialect beside %s\n", program.c_str());
    std::abort();
  }
  return plugins;
}

std::unique_ptr<Dialect> make(const Plugin& plugin) {
  const std::string spec =
      plugin.name == "json" ? "json:file=" BIXWS_SOURCE_DIR "/examples/feeds/coinbase.json" : plugin.name;
  const host::SpecSettings settings(
      host::parse_spec(spec), {plugin.name, {plugin.descriptor->options, plugin.descriptor->option_count}, {}, 0});
  Error error{};
  std::unique_ptr<Dialect> dialect(plugin.descriptor->make_dialect(settings, error));
  if (dialect == nullptr) {
    std::fprintf(stderr, "%s: %s\n", plugin.name.c_str(), error.text);
    std::abort();
  }
  return dialect;
}

const Plugin& named(std::string_view name) {
  static const std::vector<Plugin> plugins = load_dialects();
  for (const Plugin& plugin : plugins) {
    if (plugin.name == name) return plugin;
  }
  return plugins[std::hash<std::string_view>{}(name) % plugins.size()];
}

class Feed final : private feed::Intake::Wishes {
 public:
  explicit Feed(const Plugin& plugin) : dialect_(make(plugin)), intake_(*dialect_, plugin.name, instruments_, *this) {
    for (const char* id : {"BTCUSDT", "BTC-USD", "BTC-USDT", "BTC/USD", "btcusd"}) want(id);
  }

  void line(std::string_view line) {
    if (line.empty()) return;
    body_.assign(line.substr(1));
    const std::size_t size = body_.size();
    body_.append(kFramePadding, '\0');
    const Text text(body_.data(), size);
    ++now_;
    switch (line[0]) {
      case 'l':
        intake_.read_list(text, now_ - 1, now_);
        break;
      case 's':
        for (feed::Symbol& symbol : intake_.symbols()) {
          if (!symbol.of(Channel::book).connections.empty()) intake_.read_snapshot(symbol, text, now_);
        }
        break;
      case 'x':
        intake_.left(1, now_, "lost", now_);
        break;
      default:
        intake_.read(line[0] == 'g' ? 2 : 1, text, now_);
    }
    const auto batch = intake_.take();
    if (batch == nullptr) return;
    if (batch->bytes() > kBytesPerFrame * intake_.symbols().size() + size * kBytesPerByte) std::abort();
    for (const Event& event : batch->events()) {
      TextBuffer out;
      append_message(out, event, event.instrument->symbol);
      append_canonical(out, event);
    }
  }

 private:
  void want(std::string_view id) {
    feed::Symbol& symbol = intake_.add(id, id);
    for (const Channel channel : {Channel::ticker, Channel::trades, Channel::book, Channel::candle}) {
      if ((dialect_->traits().channels & channel_bit(channel)) != 0) intake_.want(symbol, channel, true);
    }
  }
  void want_book(feed::Symbol&, std::uint32_t) override {}
  void on_data(feed::Symbol&, Channel, std::uint32_t) override {}
  void on_answer(std::uint32_t, const Answer&, bool) override {}
  void on_leaving(std::uint32_t, Text) override {}
  void on_reconnect(std::uint32_t, Text) override {}
  void on_listing(const Listing&) override {}
  void on_more(Text) override {}
  void on_log(LogLevel, const std::string&) override {}

  std::unique_ptr<Dialect> dialect_;
  Instruments instruments_;
  feed::Intake intake_;
  std::string body_;
  Micros now_ = 1'700'000'000'000'000;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto next = [&input] {
    const std::string_view line = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(input.size(), line.size() + 1));
    return line;
  };
  Feed feed(named(next()));
  while (!input.empty()) feed.line(next());
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Loading plugins as the host does, and driving an intake frame by frame.
#include "support/dialect_run.h"

#include <dlfcn.h>

#include <charconv>
#include <stdexcept>

#include "model/symbol.h"

namespace bixws::test {

namespace {

class FixedSettings final : public Settings {
 public:
  FixedSettings(const Descriptor& descriptor, const std::map<std::string, std::string>& given) {
    for (std::uint32_t i = 0; i < descriptor.option_count; ++i) {
      const Option& option = descriptor.options[i];
      values_[option.name] = option.fallback != nullptr ? option.fallback : "";
    }
    for (const auto& [name, value] : given) {
      if (!values_.contains(name)) throw std::runtime_error("no option " + name + " in this plugin");
      values_[name] = value;
    }
  }
  std::string_view get(std::string_view name) const noexcept override {
    const auto found = values_.find(std::string(name));
    return found == values_.end() ? std::string_view() : std::string_view(found->second);
  }
  std::int64_t integer(std::string_view name) const noexcept override {
    const std::string_view text = get(name);
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  }
  double number(std::string_view name) const noexcept override { return static_cast<double>(integer(name)); }
  bool boolean(std::string_view name) const noexcept override { return get(name) == "true"; }
  std::size_t symbol_count() const noexcept override { return 0; }
  std::string_view symbol(std::size_t) const noexcept override { return {}; }
  std::uint32_t channels() const noexcept override { return 0; }

 private:
  std::map<std::string, std::string> values_;
};

class TextSink final : public TextOut {
 public:
  void append(Text text) noexcept override { text_ += text; }
  std::string text_;
};

}  // namespace

std::filesystem::path plugin_directory() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path();
}

std::unique_ptr<Dialect> load_dialect(const std::string& name, const std::map<std::string, std::string>& options) {
  const std::string path = (plugin_directory() / ("libbixws_feed_" + name + ".so")).string();
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) throw std::runtime_error(dlerror());
  using Entry = const Descriptor* (*)();
  const auto entry = reinterpret_cast<Entry>(dlsym(handle, "bixws_plugin_v1"));
  if (entry == nullptr) throw std::runtime_error(path + " is no plugin");
  const Descriptor& descriptor = *entry();
  const FixedSettings settings(descriptor, options);
  Error error{};
  std::unique_ptr<Dialect> dialect(descriptor.make_dialect(settings, error));
  if (!dialect) throw std::runtime_error(path + ": " + error.text);
  return dialect;
}

DialectRun::DialectRun(std::unique_ptr<Dialect> dialect, std::string exchange)
    : dialect_(std::move(dialect)), intake_(*dialect_, std::move(exchange), instruments_, *this) {}

std::string_view DialectRun::padded(std::string_view text) {
  frame_.assign(text);
  frame_.append(kFramePadding, '\0');
  return {frame_.data(), text.size()};
}

void DialectRun::collect() {
  if (auto batch = intake_.take()) batches_.push_back(std::move(batch));
}

void DialectRun::list(std::string_view body) {
  intake_.read_list(padded(body), 0, 0);
  collect();
}

void DialectRun::want(const std::vector<std::string>& ids) {
  for (const std::string& id : ids) {
    const auto name = names_.find(id);
    feed::Symbol& symbol = intake_.add(id, name == names_.end() ? id : name->second);
    for (std::size_t i = 1; i < feed::kDataChannels; ++i) {
      const auto channel = static_cast<Channel>(i);
      if ((dialect_->traits().channels & channel_bit(channel)) != 0) intake_.want(symbol, channel, true);
    }
  }
}

void DialectRun::frame(std::string_view text, std::int64_t recv_ts) { frame(1, text, recv_ts); }

void DialectRun::frame(std::uint32_t connection, std::string_view text, std::int64_t recv_ts) {
  intake_.read(connection, padded(text), recv_ts);
  collect();
}

feed::Intake::SnapshotOutcome DialectRun::snapshot(std::string_view id, std::string_view body, std::int64_t recv_ts) {
  feed::Symbol* symbol = intake_.find(id);
  if (symbol == nullptr) throw std::runtime_error("snapshot of a symbol nobody wants: " + std::string(id));
  const auto outcome = intake_.read_snapshot(*symbol, padded(body), recv_ts);
  collect();
  return outcome;
}

std::vector<const Event*> DialectRun::events() const {
  std::vector<const Event*> all;
  for (const auto& batch : batches_) {
    for (const Event& event : batch->events()) all.push_back(&event);
  }
  return all;
}

std::vector<const Event*> DialectRun::events(Kind kind) const {
  std::vector<const Event*> some = events();
  std::erase_if(some, [&](const Event* event) { return event->kind != kind; });
  return some;
}

std::string DialectRun::request(bool subscribe, Channel channel, const std::vector<std::string>& ids,
                                std::uint64_t id) {
  const std::vector<Text> symbols(ids.begin(), ids.end());
  TextSink sink;
  dialect_->request({subscribe, channel, symbols, id}, sink);
  return sink.text_;
}

std::string DialectRun::snapshot_path(std::string_view id) {
  TextSink sink;
  dialect_->snapshot_path(id, sink);
  return sink.text_;
}

void DialectRun::want_book(feed::Symbol& symbol, std::uint32_t) { wanted_books.push_back(symbol.id); }
void DialectRun::on_answer(std::uint32_t, const Answer& answer, bool refused) {
  answers_.push_back({answer, std::string(answer.reason), refused});
}
void DialectRun::on_leaving(std::uint32_t, Text why) { leaving_.emplace_back(why); }
void DialectRun::on_reconnect(std::uint32_t, Text why) { leaving_.emplace_back(why); }
void DialectRun::on_more(Text) {}
void DialectRun::on_log(LogLevel, const std::string& text) { log_.push_back(text); }

void DialectRun::on_listing(const Listing& listing) {
  const std::string name = listing.base.empty()
                               ? std::string(listing.id)
                               : symbol_key(std::string(listing.base) + "-" + std::string(listing.quote));
  names_.emplace(listing.id, name);
  listed_.emplace_back(listing.id);
}

}  // namespace bixws::test

// SPDX-License-Identifier: Apache-2.0
// sink_webhook: alerts to an HTTP(S) address, each at least once: on the disk first, then sent until it is taken.
#include <bixws/describe.h>
#include <bixws/traits.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "model/event_json.h"
#include "webhook/delivery.h"

namespace {

using namespace bixws;
using namespace bixws::webhook;

constexpr Option kOptions[] = {
    {"url", OptionType::string, nullptr, "where alerts are POSTed to, as https://example.org/hook", true},
    {"format", OptionType::string, "json", "json|slack|discord|telegram: what the receiver takes"},
    {"chat", OptionType::string, "", "telegram: id of the chat"},
    {"secret", OptionType::string, "", "key of an HMAC-SHA256 signature in the header Bixws-Signature", true},
    {"outbox", OptionType::string, "",
     "file that holds what is not delivered yet; default: one for this address in the "
     "user's state folder; :memory: keeps nothing over a restart"},
    {"timeout", OptionType::duration, "10s", "for a whole answer"},
    {"first-wait", OptionType::duration, "1s", "before a failed delivery is tried again; doubles each time"},
    {"longest-wait", OptionType::duration, "5m", "and never becomes longer than this"},
    {"keep", OptionType::duration, "3d", "what could not be delivered for so long is given up"},
    {"linger", OptionType::duration, "2s", "at the end, what still waits gets so long; the rest is sent next time"},
    {"ca", OptionType::string, "", "trust the certificates signed by this one (PEM) instead of the system's"},
};

/// One per address, found again by the next run: $XDG_STATE_HOME/bixws/webhook-<hash>.db.
std::string default_outbox(std::string_view url) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : url) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  char name[40];
  std::snprintf(name, sizeof name, "webhook-%016llx.db", static_cast<unsigned long long>(hash));
  for (const auto& [variable, rest] : {std::pair{"STATE_DIRECTORY", ""}, std::pair{"XDG_STATE_HOME", "/bixws"},
                                       std::pair{"HOME", "/.local/state/bixws"}}) {
    const char* value = std::getenv(variable);
    if (value != nullptr && *value != '\0') return std::string(value) + rest + "/" + name;
  }
  return name;
}

class WebhookSink final : public Sink {
 public:
  WebhookSink(DeliveryOptions options, std::string outbox, std::chrono::milliseconds linger)
      : options_(std::move(options)), path_(std::move(outbox)), linger_(linger) {}

  int open(Host& host) noexcept override {
    host_ = &host;
    try {
      if (const auto folder = std::filesystem::path(path_).parent_path(); !folder.empty()) {
        std::filesystem::create_directories(folder);
      }
      outbox_ = std::make_unique<Outbox>(path_);
      if (const std::int64_t waiting = outbox_->size(); waiting > 0) {
        host.log(LogLevel::info, std::to_string(waiting) + " alerts of an earlier run wait in " + path_);
      }
      // All names exist from the start, so that a dashboard shows zeros and no holes.
      for (const char* name : {"queued", "delivered", "failed_attempts", "given_up", "outbox_errors"})
        host.count(name, 0);
      delivery_ = std::make_unique<Delivery>(options_, *outbox_, host);
      return 0;
    } catch (const std::exception& e) {
      return fail(e.what());
    }
  }

  int consume(const Event* events, std::size_t count) noexcept override {
    try {
      std::vector<Outbox::Entry> alerts;
      for (std::size_t i = 0; i < count; ++i) {
        if (events[i].kind != Kind::alert) continue;
        const Mark& mark = events[i].mark();
        message_.clear();
        append_message(message_, events[i], events[i].instrument->symbol);
        alerts.push_back({std::string(mark.id), message_.str(), std::string(mark.text), events[i].ts});
      }
      if (alerts.empty()) return 0;
      host_->count("queued", static_cast<std::uint64_t>(outbox_->add(alerts, host_->now())));
    } catch (const std::exception& e) {
      return fail(e.what());
    }
    delivery_->wake();
    return 0;
  }

  int flush() noexcept override { return 0; }

  void close() noexcept override {
    if (!delivery_) return;
    delivery_->drain(linger_);
    delivery_.reset();
    try {
      if (const std::int64_t waiting = outbox_->size(); waiting > 0) {
        host_->log(LogLevel::warning, std::to_string(waiting) + " alerts wait in " + path_ + " for the next run");
      }
    } catch (const std::exception& e) {
      fail(e.what());
    }
    outbox_.reset();
  }

 private:
  int fail(const std::string& why) {
    host_->log(LogLevel::error, "outbox: " + why);
    return 1;
  }

  DeliveryOptions options_;
  std::string path_;
  std::chrono::milliseconds linger_;
  Host* host_ = nullptr;
  std::unique_ptr<Outbox> outbox_;
  std::unique_ptr<Delivery> delivery_;
  TextBuffer message_;
};

Shape shape_of(std::string_view name) {
  if (name == "slack") return Shape::slack;
  if (name == "discord") return Shape::discord;
  if (name == "telegram") return Shape::telegram;
  return Shape::json;
}

Sink* make(const Settings& settings, Error& error) noexcept {
  try {
    DeliveryOptions options;
    options.target.url = net::parse_url(settings.get("url"));
    if (options.target.url.websocket()) throw std::runtime_error("url must begin with http:// or https://");
    options.target.shape = shape_of(settings.get("format"));
    options.target.chat = settings.get("chat");
    options.target.secret = settings.get("secret");
    if (options.target.shape == Shape::telegram && options.target.chat.empty()) {
      throw std::runtime_error("format=telegram needs chat=ID");
    }
    if (const std::string_view ca = settings.get("ca"); !ca.empty()) {
      options.http.connect.tls = std::make_shared<net::TlsClientContext>(net::TlsClientOptions{std::string(ca), false});
    }
    options.http.timeout = std::chrono::microseconds(settings.integer("timeout"));
    options.http.max_body = 64 * 1024;
    options.first_wait = settings.integer("first-wait");
    options.longest_wait = settings.integer("longest-wait");
    options.keep = settings.integer("keep");
    if (options.first_wait < 1'000 || options.longest_wait < options.first_wait) {
      throw std::runtime_error("first-wait must be at least 1ms and longest-wait no shorter");
    }
    std::string outbox(settings.get("outbox"));
    if (outbox.empty()) outbox = default_outbox(settings.get("url"));
    const std::chrono::microseconds linger(settings.integer("linger"));
    return new WebhookSink(std::move(options), std::move(outbox),
                           std::chrono::duration_cast<std::chrono::milliseconds>(linger));
  } catch (const std::exception& e) {
    std::snprintf(error.text, sizeof error.text, "%s", e.what());
    return nullptr;
  }
}

constexpr Descriptor kDescriptor =
    describe_sink("webhook", BIXWS_VERSION, "alerts to an HTTP(S) address, signed, none lost", kOptions, &make);

}  // namespace

BIXWS_EXPORT const bixws::Descriptor* bixws_plugin_v1() noexcept { return &kDescriptor; }
BIXWS_EXPORT std::uint32_t bixws_plugin_traits() noexcept { return kKeepsAlerts; }

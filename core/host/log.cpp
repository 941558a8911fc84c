// SPDX-License-Identifier: Apache-2.0
// Log: one line per call. Rotation is POCO's FileChannel.
#include "host/log.h"

#include <Poco/AutoPtr.h>
#include <Poco/Exception.h>
#include <Poco/FileChannel.h>
#include <Poco/Message.h>
#include <unistd.h>

#include "model/clock.h"
#include "model/config_error.h"
#include "model/time_text.h"

namespace bixws::host {
namespace {

constexpr std::string_view kBlot = "***";
// Shorter ones would blot out half the language; a token this short protects nothing anyway.
constexpr std::size_t kShortestSecret = 4;

void replace_all(std::string& text, const std::string& from) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + kBlot.size())) {
    text.replace(at, from.size(), kBlot);
  }
}

/// ?token=... of any URL, known to us or not.
void blot_url_tokens(std::string& text) {
  constexpr std::string_view kKey = "token=";
  for (std::size_t at = text.find(kKey); at != std::string::npos; at = text.find(kKey, at)) {
    at += kKey.size();
    const std::size_t end = std::min(text.find_first_of("&, \"'\n", at), text.size());
    text.replace(at, end - at, kBlot);
    at += kBlot.size();
  }
}

std::string line_of(LogLevel level, std::string_view text) {
  std::string line = format_rfc3339(SystemClock().now() / 1000 * 1000);
  line += ' ';
  line += name_of(level);
  line += ' ';
  for (const char c : text) {
    // One event, one line, whatever an exchange or a client put into the text.
    const auto byte = static_cast<unsigned char>(c);
    line += byte < 0x20 || byte == 0x7f ? ' ' : c;
  }
  return line;
}

}  // namespace

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "error";
}

struct Log::File {
  Poco::AutoPtr<Poco::FileChannel> channel{new Poco::FileChannel};
};

Log::Log(LogLevel level) : level_(level) {}

Log::Log(LogLevel level, const std::string& file) : level_(level), file_(std::make_unique<File>()) {
  try {
    file_->channel->setProperty("path", file);
    file_->channel->setProperty("rotation", "10 M");
    file_->channel->setProperty("archive", "number");
    file_->channel->setProperty("purgeCount", "5");
    file_->channel->open();
  } catch (const Poco::Exception& e) {
    throw ConfigError("cannot write log file " + file + ": " + e.displayText());
  }
}

Log::~Log() = default;

void Log::write(LogLevel level, std::string_view text) {
  if (!wants(level)) return;
  const std::lock_guard lock(mutex_);
  const std::string safe = blotted(text);
  if (file_) {
    try {
      file_->channel->log(Poco::Message("bixws", line_of(level, safe), Poco::Message::PRIO_INFORMATION));
      return;
    } catch (const Poco::Exception&) {
      // A full disk must not stop the data; the line goes where somebody may still see it.
    }
  }
  if (redirect_) {
    redirect_(level, safe);
    return;
  }
  std::string line = line_of(level, safe);
  line += '\n';
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

void Log::hide(const std::string& secret) {
  if (secret.size() < kShortestSecret) return;
  const std::lock_guard lock(mutex_);
  secrets_.push_back(secret);
}

void Log::redirect(Writer writer) {
  const std::lock_guard lock(mutex_);
  redirect_ = std::move(writer);
}

Log::Writer Log::writer() {
  return [this](LogLevel level, std::string_view text) { write(level, text); };
}

std::string Log::blotted(std::string_view text) const {
  std::string safe(text);
  for (const std::string& secret : secrets_) replace_all(safe, secret);
  blot_url_tokens(safe);
  return safe;
}

}  // namespace bixws::host

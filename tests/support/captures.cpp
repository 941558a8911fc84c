// SPDX-License-Identifier: Apache-2.0
// Readers of the capture formats; strict, because a misread line would make a test pass for the wrong reason.
#include "support/captures.h"

#include <charconv>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>

namespace bixws::test {

namespace {

namespace fs = std::filesystem;

std::string whole_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

[[noreturn]] void bad_line(const fs::path& file, std::size_t line, std::string_view why) {
  throw std::runtime_error(file.string() + ":" + std::to_string(line) + ": " + std::string(why));
}

// "1633998512.0633569" in microseconds, digit by digit: no binary floating point.
std::optional<std::int64_t> seconds_to_us(std::string_view text) {
  const std::size_t dot = text.find('.');
  std::string digits(text.substr(0, dot));
  std::string fraction(dot == std::string_view::npos ? "" : text.substr(dot + 1));
  fraction.resize(6, '0');
  digits += fraction;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

struct StampedText {
  std::int64_t time_us = 0;
  std::string text;
};

// `TS: text`
std::optional<StampedText> stamped(std::string_view line) {
  const std::size_t colon = line.find(": ");
  if (colon == std::string_view::npos) return std::nullopt;
  const auto time = seconds_to_us(line.substr(0, colon));
  if (!time) return std::nullopt;
  return StampedText{*time, std::string(line.substr(colon + 2))};
}

bool starts_with_url(std::string_view line) {
  for (const std::string_view scheme : {"wss://", "ws://", "https://", "http://"}) {
    if (line.starts_with(scheme)) return true;
  }
  return false;
}

void read_url_line(std::string_view line, Capture& capture, const fs::path& file, std::size_t number) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) bad_line(file, number, "a URL and nothing else");
  const std::string url(line.substr(0, space));
  const std::string_view rest = line.substr(space + 1);
  if (rest.starts_with("<-> ")) {
    capture.connects.push_back(url);
    return;
  }
  const bool sent = rest.starts_with("<- ");
  const bool answer = rest.starts_with("-> ");
  const auto text = sent || answer ? stamped(rest.substr(3)) : std::nullopt;
  if (!text) bad_line(file, number, "neither a connect, a send nor an answer");
  if (sent) {
    capture.sends.push_back({text->time_us, url, text->text});
  } else {
    capture.rest.push_back({text->time_us, url, text->text});
  }
}

Capture read_ndjson_frames(const fs::path& file) {
  Capture capture;
  capture.name = file.filename().string();
  std::istringstream lines(whole_file(file));
  std::int64_t time_us = 1'700'000'000'000'000;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    capture.frames.push_back({time_us, line, 0});
    time_us += 1000;
  }
  return capture;
}

}  // namespace

fs::path shared_dir() {
  if (const char* from_environment = std::getenv("BIXWS_SHARED"); from_environment && *from_environment) {
    return from_environment;
  }
  return BIXWS_SHARED_DIR;
}

fs::path capture_path(std::string_view relative) { return shared_dir() / "captures" / relative; }

bool captures_present() {
  std::error_code ignored;
  return fs::is_directory(capture_path("cryptofeed"), ignored);
}

std::string captures_missing() {
  return "no captures in " + capture_path("").string() + "; set BIXWS_SHARED to the folder that holds captures/";
}

bool running_in_ci() {
  const char* ci = std::getenv("CI");
  return ci && (std::string_view(ci) == "true" || std::string_view(ci) == "1");
}

const CapturedRest* Capture::rest_with(std::string_view url_part) const {
  for (const auto& answer : rest) {
    if (answer.url.find(url_part) != std::string::npos) return &answer;
  }
  return nullptr;
}

Capture read_cryptofeed(const fs::path& file) {
  Capture capture;
  capture.name = file.filename().string();
  std::istringstream lines(whole_file(file));
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.empty() || line.starts_with("configuration: ")) continue;
    if (starts_with_url(line)) {
      read_url_line(line, capture, file, number);
    } else if (auto frame = stamped(line)) {
      const int connection = capture.connects.empty() ? 0 : static_cast<int>(capture.connects.size()) - 1;
      capture.frames.push_back({frame->time_us, std::move(frame->text), connection});
    } else {
      bad_line(file, number, "not a line of a cryptofeed dump");
    }
  }
  return capture;
}

Capture read_cbcap(const fs::path& file) {
  Capture capture;
  capture.name = file.filename().string();
  const std::string bytes = whole_file(file);
  std::size_t at = bytes.find('\n');
  if (!bytes.starts_with("CBCAP1 ") || at == std::string::npos) bad_line(file, 1, "no CBCAP1 header");
  std::int64_t start_ns = 0;
  {
    std::istringstream header(bytes.substr(0, at));
    std::string magic;
    std::string exchange;
    std::string symbol;
    if (!(header >> magic >> exchange >> symbol >> start_ns)) bad_line(file, 1, "header without start");
  }
  ++at;
  std::optional<std::int64_t> shift_ns;
  while (at < bytes.size()) {
    const std::size_t number = capture.frames.size() + 1;
    const std::size_t end = bytes.find('\n', at);
    std::istringstream record(bytes.substr(at, end == std::string::npos ? end : end - at));
    std::int64_t time_ns = 0;
    std::size_t length = 0;
    if (end == std::string::npos || !(record >> time_ns >> length)) bad_line(file, number, "record without a head");
    if (end + 1 + length > bytes.size()) bad_line(file, number, "record cut short");
    // A clock that counts from boot is far below any time since 1970.
    constexpr std::int64_t year_2001_ns = 1'000'000'000'000'000'000;
    if (!shift_ns) shift_ns = time_ns < year_2001_ns ? start_ns - time_ns : 0;
    capture.frames.push_back({(time_ns + *shift_ns) / 1000, bytes.substr(end + 1, length), 0});
    at = end + 1 + length;
    if (at < bytes.size() && bytes[at] == '\n') ++at;
  }
  return capture;
}

Capture read_capture(const fs::path& file) {
  const std::string name = file.filename().string();
  if (name.ends_with(".cbcap")) return read_cbcap(file);
  if (name.ends_with(".ndjson")) return read_ndjson_frames(file);
  Capture capture = read_cryptofeed(file);
  if (const std::size_t ws = name.find(".ws."); ws != std::string::npos) {
    const std::string exchange = name.substr(0, ws);
    for (const auto& entry : fs::directory_iterator(file.parent_path())) {
      const std::string other = entry.path().filename().string();
      if (other != exchange + ".0" && !other.starts_with(exchange + ".http.")) continue;
      for (auto& answer : read_cryptofeed(entry.path()).rest) capture.rest.push_back(std::move(answer));
    }
  }
  return capture;
}

std::vector<RawJson> read_expected(std::string_view name) {
  return read_ndjson(capture_path("expected") / (std::string(name) + ".expected.ndjson"));
}

std::vector<RawJson> read_ndjson(const fs::path& file) {
  std::vector<RawJson> values;
  std::istringstream lines(whole_file(file));
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.empty()) continue;
    auto value = RawJson::parse(line);
    if (!value) bad_line(file, number, "not JSON");
    values.push_back(*std::move(value));
  }
  return values;
}

std::string without_trailing_zeros(std::string_view decimal) {
  if (decimal.find('.') == std::string_view::npos) return std::string(decimal);
  while (decimal.ends_with('0')) decimal.remove_suffix(1);
  if (decimal.ends_with('.')) decimal.remove_suffix(1);
  return std::string(decimal);
}

}  // namespace bixws::test

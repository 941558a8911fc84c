// SPDX-License-Identifier: Apache-2.0
// FileNames: strftime and a counter.
#include "recording/file_names.h"

#include <array>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <system_error>
#include <utility>

#include "model/config_error.h"
#include "model/time_text.h"
#include "recording/database.h"

namespace bixws::recording {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDirectives = "aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYzZ%";
constexpr std::array<std::pair<std::string_view, std::uint64_t>, 6> kUnits = {{{"kB", 1'000},
                                                                               {"MB", 1'000'000},
                                                                               {"GB", 1'000'000'000},
                                                                               {"KiB", 1'024},
                                                                               {"MiB", 1'048'576},
                                                                               {"GiB", 1'073'741'824}}};

}  // namespace

std::optional<Rotation> parse_rotation(std::string_view text) {
  Rotation rotation;
  if (const auto every = parse_duration(text)) {
    if (*every < 1'000'000) return std::nullopt;
    rotation.every = *every;
    return rotation;
  }
  for (const auto& [unit, bytes] : kUnits) {
    if (!text.ends_with(unit)) continue;
    const std::string_view digits = text.substr(0, text.size() - unit.size());
    std::uint64_t count = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    if (count == 0 || count > UINT64_MAX / 2 / bytes) return std::nullopt;
    rotation.bytes = count * bytes;
    return rotation;
  }
  return std::nullopt;
}

FileNames::FileNames(std::string pattern, const Rotation& rotation)
    : pattern_(std::move(pattern)), rotation_(rotation), has_directives_(pattern_.find('%') != std::string::npos) {
  for (std::size_t at = pattern_.find('%'); at != std::string::npos; at = pattern_.find('%', at + 2)) {
    if (at + 1 < pattern_.size() && kDirectives.find(pattern_[at + 1]) != std::string_view::npos) continue;
    throw ConfigError(pattern_ + ": " + pattern_.substr(at, 2) +
                      " stands for no part of the time; write a percent sign itself as %%");
  }
}

std::string FileNames::expand(Micros now) const {
  if (!has_directives_) return pattern_;
  const std::time_t seconds = now / 1'000'000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::string name(pattern_.size() + 256, '\0');
  name.resize(std::strftime(name.data(), name.size(), pattern_.c_str(), &parts));
  return name;
}

std::string FileNames::begin(Micros now) {
  begun_ = now;
  plain_ = expand(now);
  const fs::path folder = fs::path(plain_).parent_path();
  if (!has_directives_ || folder.empty()) return plain_;
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw RecordingError(folder.string() + ": cannot create the folder: " + error.message());
  return plain_;
}

std::string FileNames::first(Micros now) { return begin(now); }

std::string FileNames::next(Micros now) {
  const fs::path plain = begin(now);
  fs::path name = plain;
  std::error_code ignored;
  for (int number = 2; fs::exists(fs::symlink_status(name, ignored)); ++number) {
    name = plain;
    name.replace_filename(plain.stem().string() + "-" + std::to_string(number) + plain.extension().string());
  }
  return name.string();
}

bool FileNames::due(Micros now, std::uint64_t bytes) const {
  if (rotation_.bytes != 0 && bytes >= rotation_.bytes) return true;
  if (rotation_.every != 0 && now / rotation_.every > begun_ / rotation_.every) return true;
  return has_directives_ && now > begun_ && expand(now) != plain_;
}

}  // namespace bixws::recording

// SPDX-License-Identifier: Apache-2.0
// Spec: a feed or sink as users name it, `name:key=value,key=value`, and its validated settings.
#pragma once

#include <bixws/plugin.h>

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bixws::host {

struct Spec {
  std::string name;
  std::vector<std::pair<std::string, std::string>> values;  ///< in the order given
};

/// `\,` is a comma inside a value and `\\` a backslash; any other backslash stands for itself. Throws ConfigError.
Spec parse_spec(std::string_view text);

/// What a feed is called in events, symbols and metrics: its plugin's name, or what `as=NAME` says, which is taken out
/// of the spec. Throws ConfigError.
std::string take_feed_name(Spec& spec);

/// The inverse of parse_spec().
std::string text_of(const Spec& spec);

/// The words of "a|b|c" if the option's help names its choices so; empty: anything goes.
std::vector<std::string> choices_of(const Option& option);
/// "a whole number", "a duration such as 250ms" ...: for help and refusals.
std::string_view name_of(OptionType type);

/// What one plugin instance gets to see. Values are checked against the plugin's option table on construction.
class SpecSettings final : public Settings {
 public:
  struct Request {
    std::string owner;  ///< "feed sim", for refusals
    std::span<const Option> options;
    std::vector<std::string> symbols;
    std::uint32_t channels = 0;  ///< 1 << int(Channel)
  };
  /// Throws ConfigError: unknown key with the nearest known one, wrong type, missing value, key given twice.
  SpecSettings(const Spec& spec, Request request);

  [[nodiscard]] std::string_view get(std::string_view name) const noexcept override;
  [[nodiscard]] std::int64_t integer(std::string_view name) const noexcept override;
  [[nodiscard]] double number(std::string_view name) const noexcept override;
  [[nodiscard]] bool boolean(std::string_view name) const noexcept override;
  [[nodiscard]] std::size_t symbol_count() const noexcept override { return symbols_.size(); }
  [[nodiscard]] std::string_view symbol(std::size_t index) const noexcept override { return symbols_[index]; }
  [[nodiscard]] std::uint32_t channels() const noexcept override { return channels_; }

  /// Values of secret options, for Log::hide.
  [[nodiscard]] const std::vector<std::string>& secrets() const { return secrets_; }

 private:
  std::map<std::string, std::string, std::less<>> values_;
  std::vector<std::string> symbols_;
  std::uint32_t channels_ = 0;
  std::vector<std::string> secrets_;
};

}  // namespace bixws::host

// SPDX-License-Identifier: Apache-2.0
// Log: levelled lines on stderr or in a rotating file, with secrets blotted out.
#pragma once

#include <bixws/plugin.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace bixws::host {

std::string_view name_of(LogLevel level);

/// Every call is safe from any thread.
class Log {
 public:
  using Writer = std::function<void(LogLevel, std::string_view)>;

  explicit Log(LogLevel level = LogLevel::info);
  /// Lines go to `file` instead of stderr; it is rotated at 10 MB, five older files are kept. Throws ConfigError if it
  /// cannot be written.
  Log(LogLevel level, const std::string& file);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void write(LogLevel level, std::string_view text);
  /// From now on this text is shown as ***, wherever it turns up.
  void hide(const std::string& secret);
  /// Where lines go instead of stderr while a screen is drawn; an empty one ends it. A log file stays a log file.
  void redirect(Writer writer);
  [[nodiscard]] bool wants(LogLevel level) const { return level >= level_; }
  /// write() as a function, for rooms that know no Log. The Log must outlive it.
  [[nodiscard]] Writer writer();

 private:
  struct File;
  [[nodiscard]] std::string blotted(std::string_view text) const;

  LogLevel level_;
  mutable std::mutex mutex_;
  std::vector<std::string> secrets_;
  Writer redirect_;
  std::unique_ptr<File> file_;
};

}  // namespace bixws::host

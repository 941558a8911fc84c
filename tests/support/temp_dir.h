// SPDX-License-Identifier: Apache-2.0
// A folder of the test's own, gone with the object.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace bixws::test {

class TempDir {
 public:
  TempDir();  // throws std::runtime_error when none can be made
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  // Writes a file below the folder and returns its path.
  std::filesystem::path write(std::string_view name, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

// The whole file; throws std::runtime_error when it cannot be read.
std::string read_file(const std::filesystem::path& file);

}  // namespace bixws::test

// SPDX-License-Identifier: Apache-2.0
// Looking for plugin files; file names say kind and name, so that listing needs no loading.
#include "host/registry.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "model/config_error.h"
#include "model/nearest.h"

namespace bixws::host {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "libbixws_";
constexpr std::string_view kSuffix = ".so";

bool folder_exists(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

bool writable_by_all(const fs::path& path) {
  struct stat s {};
  return ::stat(path.c_str(), &s) == 0 && (s.st_mode & S_IWOTH) != 0;
}

fs::path executable_directory() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path();
}

/// <prefix>/lib/bixws/plugins, lib64, and Debian's lib/x86_64-linux-gnu.
std::vector<fs::path> installed_directories(const fs::path& prefix) {
  std::vector<fs::path> found;
  for (const char* lib : {"lib", "lib64"}) {
    found.push_back(prefix / lib / "bixws" / "plugins");
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(prefix / lib, error)) {
      if (entry.path().filename().string().ends_with("-linux-gnu")) found.push_back(entry.path() / "bixws" / "plugins");
    }
  }
  return found;
}

}  // namespace

PluginDirectories plugin_directories(const std::vector<std::string>& named) {
  PluginDirectories result;
  const auto add = [&result](const fs::path& path, bool trusted) {
    if (path.empty() || !folder_exists(path)) return;
    std::error_code error;
    const std::string canonical = fs::canonical(path, error).string();
    if (error || std::find(result.paths.begin(), result.paths.end(), canonical) != result.paths.end()) return;
    // Loading a plugin runs its code; where everyone may put one, none is loaded. Whoever can write to the
    // executable's own directory needs no plugin.
    if (!trusted && writable_by_all(path)) {
      result.refused.push_back("plugin directory " + canonical + " is writable by everyone and not used");
      return;
    }
    result.paths.push_back(canonical);
  };
  for (const std::string& path : named) {
    if (!folder_exists(path)) throw ConfigError("plugin directory " + path + " is not there");
    add(path, false);
  }
  if (const char* variable = ::secure_getenv("BIXWS_PLUGIN_PATH"); variable != nullptr) {
    std::stringstream paths(variable);
    for (std::string path; std::getline(paths, path, ':');) add(path, false);
  }
  if (const char* home = ::secure_getenv("HOME"); home != nullptr && *home != '\0') {
    add(fs::path(home) / ".local/lib/bixws", false);
    add(fs::path(home) / ".local/lib/bixws/plugins", false);
  }
  const fs::path here = executable_directory();
  add(here, true);
  add(here / "plugins", true);
  for (const fs::path& path : installed_directories(here.parent_path())) add(path, true);
  return result;
}

std::vector<Registry::Found> Registry::find() const {
  std::vector<Found> all;
  for (const std::string& directory : directories_) {
    std::vector<Found> here;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(directory, error)) {
      const std::string file = entry.path().filename().string();
      if (!file.starts_with(kPrefix) || !file.ends_with(kSuffix)) continue;
      const std::string stem = file.substr(kPrefix.size(), file.size() - kPrefix.size() - kSuffix.size());
      const auto split = stem.find('_');
      if (split == std::string::npos || split + 1 == stem.size()) continue;
      const std::string kind = stem.substr(0, split);
      if (kind != "feed" && kind != "sink") continue;
      here.push_back({kind, stem.substr(split + 1), entry.path().string()});
    }
    all.insert(all.end(), here.begin(), here.end());
  }
  // Stable: within one name the search order remains.
  std::stable_sort(all.begin(), all.end(),
                   [](const Found& a, const Found& b) { return std::tie(a.kind, a.name) < std::tie(b.kind, b.name); });
  return all;
}

std::vector<std::string> Registry::names(const std::string& kind) const {
  std::vector<std::string> names;
  for (const Found& found : find()) {
    if (found.kind == kind && (names.empty() || names.back() != found.name)) names.push_back(found.name);
  }
  return names;
}

std::vector<PluginListing> Registry::list() const {
  std::vector<PluginListing> listings;
  for (const Found& found : find()) {
    PluginListing listing{found.kind, found.name, found.path, {}, {}, {}};
    if (!listings.empty() && listings.back().kind == found.kind && listings.back().name == found.name) {
      const PluginListing& first = listings.back();
      listing.shadowed_by = first.shadowed_by.empty() ? first.path : first.shadowed_by;
    }
    Probed probed = probe_plugin(found.path, found.kind, found.name);
    listing.facts = std::move(probed.facts);
    listing.problem = std::move(probed.problem);
    listings.push_back(std::move(listing));
  }
  return listings;
}

const Descriptor& Registry::load(const std::string& kind, const std::string& name) {
  const auto key = std::make_pair(kind, name);
  if (const auto known = loaded_.find(key); known != loaded_.end()) return *known->second.descriptor;
  const std::vector<Found> all = find();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Found& f) { return f.kind == kind && f.name == name; });
  if (found == all.end()) {
    const std::string other = kind == "feed" ? "sink" : "feed";
    const auto others = names(other);
    if (std::find(others.begin(), others.end(), name) != others.end()) {
      throw ConfigError("unknown " + kind + " " + name + "; it is a " + other);
    }
    const auto known = names(kind);
    throw ConfigError("unknown " + kind + " " + name +
                      (known.empty() ? "; no plugins found, see --plugin-dir" : did_you_mean(name, known)));
  }
  const Probed probed = probe_plugin(found->path, kind, name);
  if (!probed.problem.empty()) throw ConfigError(kind + " " + name + ": " + found->path + " " + probed.problem);
  const Opened opened = open_plugin(found->path, kind, name);
  if (opened.descriptor == nullptr) throw ConfigError(kind + " " + name + ": " + found->path + " " + opened.problem);
  loaded_.emplace(key, Loaded{opened.descriptor, found->path});
  return *opened.descriptor;
}

Venue* Registry::venue(const std::string& feed) const {
  const auto found = loaded_.find({"feed", feed});
  return found == loaded_.end() ? nullptr : make_venue(found->second.path);
}

}  // namespace bixws::host

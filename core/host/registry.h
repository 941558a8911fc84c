// SPDX-License-Identifier: Apache-2.0
// Registry: which plugins there are and where, and the loaded ones.
#pragma once

#include <bixws/plugin.h>
#include <bixws/venue.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "host/plugin_file.h"

namespace bixws::host {

/// Where plugins are looked for, strongest first: `named` (--plugin-dir), BIXWS_PLUGIN_PATH, ~/.local/lib/bixws and its
/// plugins folder, the executable's directory and its plugins folder, <prefix>/lib*/bixws/plugins. Only directories
/// that exist, each once.
struct PluginDirectories {
  std::vector<std::string> paths;
  std::vector<std::string> refused;  ///< why others are not used: writable by everyone
};
PluginDirectories plugin_directories(const std::vector<std::string>& named);

struct PluginListing {
  std::string kind, name, path;
  PluginFacts facts;        ///< if it can be loaded
  std::string problem;      ///< if not: to be read after the path
  std::string shadowed_by;  ///< path of the plugin of the same name that is found first
};

/// One thread, and before others are started: see probe_plugin().
class Registry {
 public:
  explicit Registry(std::vector<std::string> directories) : directories_(std::move(directories)) {}

  /// Every plugin file, by kind and name, shadowed ones after the one that shadows them. Loads nothing into this
  /// process.
  [[nodiscard]] std::vector<PluginListing> list() const;
  /// Loads "feed" or "sink" `name`. Throws ConfigError: unknown (with the nearest known name) or refused (with the
  /// reason).
  const Descriptor& load(const std::string& kind, const std::string& name);
  /// The exchange's side of a feed plugin that was loaded; nullptr: it has none. The caller deletes it.
  Venue* venue(const std::string& feed) const;
  /// Names found, loadable or not.
  [[nodiscard]] std::vector<std::string> names(const std::string& kind) const;

 private:
  struct Found {
    std::string kind, name, path;
  };
  [[nodiscard]] std::vector<Found> find() const;

  std::vector<std::string> directories_;
  struct Loaded {
    const Descriptor* descriptor = nullptr;
    std::string path;
  };
  std::map<std::pair<std::string, std::string>, Loaded> loaded_;
};

}  // namespace bixws::host

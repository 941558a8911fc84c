// SPDX-License-Identifier: Apache-2.0
// PluginFile: one libbixws_<kind>_<name>.so, opened with suspicion. Whatever is wrong with it ends as a sentence.
#pragma once

#include <bixws/plugin.h>
#include <bixws/venue.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace bixws::host {

/// An option row by value.
struct OptionRow {
  std::string name;
  OptionType type = OptionType::string;
  std::optional<std::string> fallback;
  std::string help;
  bool secret = false;
};

/// What a plugin says about itself.
struct PluginFacts {
  std::string kind, name, version, description;
  std::vector<OptionRow> options;
};

struct Opened {
  const Descriptor* descriptor = nullptr;
  std::string problem;  ///< why not: "is not a shared library", to be read after the path
};

/// dlopen and handshake in this process: magic, ABI, toolchain, kind and name, option table, before anything else of it
/// is called. Loading runs the plugin's code: probe() first.
Opened open_plugin(const std::string& path, const std::string& kind, const std::string& name);

/// What bixws_venue_v1 of a plugin that open_plugin() has loaded makes; nullptr: it exports no such thing.
Venue* make_venue(const std::string& path);

struct Probed {
  PluginFacts facts;
  std::string problem;  ///< empty: it can be loaded
};

/// open_plugin() in a child process, which may crash, exit, hang or print in our stead. Call it before threads are
/// started.
Probed probe_plugin(const std::string& path, const std::string& kind, const std::string& name,
                    std::chrono::milliseconds patience = std::chrono::seconds(5));

}  // namespace bixws::host

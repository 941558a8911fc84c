// SPDX-License-Identifier: Apache-2.0
// plugins list, plugins info: what is loadable, from where, with which options.
#include <algorithm>
#include <cstdio>

#include "flags.h"
#include "host/registry.h"
#include "host/spec.h"
#include "model/config_error.h"
#include "model/nearest.h"
#include "model/text_buffer.h"
#include "model/time_text.h"
#include "output.h"
#include "verbs.h"

namespace bixws::cli {
namespace {

using host::OptionRow;
using host::PluginListing;

std::string_view type_name(OptionType type) {
  switch (type) {
    case OptionType::string:
      return "string";
    case OptionType::integer:
      return "integer";
    case OptionType::number:
      return "number";
    case OptionType::boolean:
      return "boolean";
    case OptionType::duration:
      return "duration";
    case OptionType::list:
      return "list";
  }
  return "string";
}

void json_member(TextBuffer& out, std::string_view name, std::string_view value) {
  if (out.view().back() != '{') out.raw(',');
  out.quoted(name);
  out.raw(':');
  out.quoted(value);
}

void json_of(TextBuffer& out, const PluginListing& plugin) {
  out.raw('{');
  json_member(out, "kind", plugin.kind);
  json_member(out, "name", plugin.name);
  json_member(out, "version", plugin.facts.version);
  json_member(out, "path", plugin.path);
  json_member(out, "description", plugin.facts.description);
  out.raw(",\"options\":[");
  for (const OptionRow& option : plugin.facts.options) {
    if (out.view().back() != '[') out.raw(',');
    out.raw('{');
    json_member(out, "name", option.name);
    json_member(out, "type", type_name(option.type));
    if (option.fallback) json_member(out, "default", *option.fallback);
    json_member(out, "help", option.help);
    if (option.secret) out.raw(",\"secret\":true");
    out.raw('}');
  }
  out.raw("]}");
}

std::string json_of(const std::vector<PluginListing>& plugins) {
  TextBuffer out;
  out.raw('[');
  for (const PluginListing& plugin : plugins) {
    if (!plugin.problem.empty() || !plugin.shadowed_by.empty()) continue;
    if (out.view().back() != '[') out.raw(',');
    out.raw('\n');
    json_of(out, plugin);
  }
  out.raw("\n]\n");
  return out.str();
}

int list(const Call& call) {
  const auto plugins = open_registry(call).list();
  for (const PluginListing& plugin : plugins) {
    if (!plugin.problem.empty()) call.log.write(LogLevel::warning, plugin.path + " " + plugin.problem);
  }
  if (call.values.on("json")) return print(json_of(plugins));
  std::vector<std::vector<std::string>> rows{{"KIND", "NAME", "VERSION", "DESCRIPTION", "PATH"}};
  for (const PluginListing& plugin : plugins) {
    if (!plugin.problem.empty()) continue;
    rows.push_back({plugin.kind, plugin.name, plugin.facts.version, plugin.facts.description,
                    plugin.path + (plugin.shadowed_by.empty() ? "" : " (shadowed by " + plugin.shadowed_by + ")")});
  }
  return print(table(rows));
}

std::string describe(const PluginListing& plugin) {
  std::string text = plugin.kind + " " + plugin.name + " " + plugin.facts.version + ": " + plugin.facts.description;
  text += "\n" + plugin.path + "\n";
  if (plugin.facts.options.empty()) return text + "\nIt has no keys.\n";
  text += "\nKeys, as --" + plugin.kind + " " + plugin.name + ":key=value,key=value\n";
  std::vector<std::vector<std::string>> rows{{"KEY", "TYPE", "DEFAULT", "MEANING"}};
  for (const OptionRow& option : plugin.facts.options) {
    rows.push_back(
        {option.name, std::string(type_name(option.type)), option.fallback.value_or("(required)"), option.help});
  }
  return text + table(rows);
}

int info(const Call& call) {
  const std::string& name = call.values.text("name");
  auto plugins = open_registry(call).list();
  std::vector<std::string> known;
  for (const PluginListing& plugin : plugins) known.push_back(plugin.name);
  std::erase_if(plugins, [&](const PluginListing& plugin) {
    return plugin.name != name && plugin.kind + "_" + plugin.name != name;
  });
  if (plugins.empty()) throw ConfigError("unknown plugin " + name + did_you_mean(name, known));
  if (!plugins.front().problem.empty()) throw ConfigError(plugins.front().path + " " + plugins.front().problem);
  if (call.values.on("json")) return print(json_of(plugins));
  std::string text;
  for (const PluginListing& plugin : plugins) {
    if (plugin.problem.empty() && plugin.shadowed_by.empty()) text += (text.empty() ? "" : "\n") + describe(plugin);
  }
  return print(text);
}

}  // namespace

Verb plugins_list_verb() {
  return {.name = "plugins list",
          .summary = "feeds and sinks that can be loaded",
          .about =
              "Plugins are files named libbixws_feed_NAME.so or libbixws_sink_NAME.so. They are looked for in "
              "--plugin-dir, in BIXWS_PLUGIN_PATH, in ~/.local/lib/bixws, next to the executable, and in the install "
              "prefix; the first of a name wins. Files that cannot be loaded are named on stderr with the reason.",
          .flags = {json_flag()},
          .examples =
              "  # names of all feeds\n"
              "  bixws plugins list --json | jq -r '.[] | select(.kind == \"feed\").name'\n"
              "  # with a plugin of your own\n"
              "  bixws --plugin-dir ./build plugins list\n",
          .run = list};
}

Verb plugins_info_verb() {
  return {.name = "plugins info",
          .summary = "one plugin and its keys",
          .flags = {{.name = "name",
                     .value = "NAME",
                     .help = "as in plugins list",
                     .positional = true,
                     .required = true,
                     .configurable = false},
                    json_flag()},
          .examples =
              "  # the keys of the made-up market\n"
              "  bixws plugins info sim\n",
          .run = info};
}

}  // namespace bixws::cli

// SPDX-License-Identifier: Apache-2.0
// Reading Prometheus text, and the page that top shows.
#include "host/server_figures.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "model/text_buffer.h"

namespace bixws::host {
namespace {

/// `{a="b",c="d"}`; false: not that.
bool take_labels(std::string_view& text, std::map<std::string, std::string>& labels) {
  if (text.empty() || text.front() != '{') return true;
  text.remove_prefix(1);
  while (!text.empty() && text.front() != '}') {
    const std::size_t equals = text.find("=\"");
    if (equals == std::string_view::npos) return false;
    const std::string name(text.substr(0, equals));
    text.remove_prefix(equals + 2);
    std::string value;
    while (!text.empty() && text.front() != '"') {
      if (text.front() == '\\' && text.size() > 1) text.remove_prefix(1);
      value += text.front();
      text.remove_prefix(1);
    }
    if (text.empty()) return false;
    text.remove_prefix(1);
    if (!text.empty() && text.front() == ',') text.remove_prefix(1);
    labels.emplace(name, value);
  }
  if (text.empty()) return false;
  text.remove_prefix(1);
  return true;
}

enum class Unit : std::uint8_t { count, per_second, bytes, bytes_per_second, micros };

/// One figure of the page.
struct Figure {
  const char* key;   ///< in JSON
  const char* name;  ///< for people
  const char* metric;
  Unit unit;
  bool bad = false;  ///< anything but 0 is news
};
constexpr Figure kServer[] = {
    {"clients", "clients", "bixws_clients", Unit::count},
    {"clients_behind", "behind", "bixws_clients_behind", Unit::count, true},
    {"backlog_bytes", "backlog", "bixws_client_backlog_bytes", Unit::bytes, true},
    {"topics", "topics", "bixws_topics", Unit::count},
    {"events_per_s", "events", "bixws_hub_events_total", Unit::per_second},
    {"messages_sent_per_s", "sent", "bixws_messages_sent_total", Unit::per_second},
    {"bytes_sent_per_s", "out", "bixws_bytes_sent_total", Unit::bytes_per_second},
    {"hub_queue_bytes", "hub queue", "bixws_hub_queue_bytes", Unit::bytes},
    {"dropped", "dropped", "bixws_messages_dropped_total", Unit::count, true},
    {"conflations", "conflated", "bixws_conflations_total", Unit::count},
    {"gaps", "client gaps", "bixws_client_gaps_total", Unit::count, true},
    {"slow_consumers", "too slow", "bixws_slow_consumers_total", Unit::count, true},
    {"refused", "refused", "bixws_clients_refused_total", Unit::count},
    {"memory_bytes", "memory", "process_resident_memory_bytes", Unit::bytes},
    {"open_fds", "files", "process_open_fds", Unit::count},
};
constexpr Figure kFeed[] = {
    {"frames_per_s", "frames", "bixws_feed_frames_total", Unit::per_second},
    {"bytes_per_s", "in", "bixws_feed_bytes_total", Unit::bytes_per_second},
    {"lag_us", "lag", "bixws_feed_lag_us", Unit::micros},
    {"gaps", "gaps", "bixws_feed_gaps_total", Unit::count, true},
    {"resyncs", "resyncs", "bixws_feed_resyncs_total", Unit::count, true},
    {"disconnects", "disconnects", "bixws_feed_disconnects_total", Unit::count, true},
};
constexpr Figure kRecorder[] = {
    {"recorded", "events", "bixws_recorder_events_total", Unit::count},
    {"recorder_dropped", "dropped", "bixws_recorder_dropped_total", Unit::count, true},
    {"recorder_lag_us", "lag", "bixws_recorder_lag_us", Unit::micros},
    {"recorder_queue_bytes", "queue", "bixws_recorder_queue_bytes", Unit::bytes},
};
constexpr Figure kRule[] = {
    {"fired", "fired", "bixws_alerts_fired_total", Unit::count},
    {"held_back", "held back", "bixws_alerts_held_back_total", Unit::count},
};

using Labels = std::map<std::string, std::string>;

/// A rate is what came since the look before; without one there is none.
std::optional<double> value_of(const Figure& figure, const ServerFigures& now, const ServerFigures* before,
                               const Labels& labels) {
  const auto value = now.sum(figure.metric, labels);
  const bool rate = figure.unit == Unit::per_second || figure.unit == Unit::bytes_per_second;
  if (!rate || !value) return value;
  const auto old = before == nullptr ? std::nullopt : before->sum(figure.metric, labels);
  if (!old || now.at <= before->at) return std::nullopt;
  return std::max(*value - *old, 0.0) / (now.at - before->at);
}

std::string scaled(double value, double step, const char* const* units) {
  int unit = 0;
  while (value >= step && unit < 4) {
    value /= step;
    ++unit;
  }
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), unit == 0 || value >= 100 ? "%.0f%s" : "%.1f%s", value, units[unit]);
  return text.data();
}

std::string shown(const Figure& figure, std::optional<double> value) {
  static constexpr const char* kCounts[] = {"", "k", "M", "G", "T"};
  static constexpr const char* kBytes[] = {" B", " kB", " MB", " GB", " TB"};
  static constexpr const char* kTimes[] = {" us", " ms", " s", " ks", " Ms"};
  if (!value) return "-";
  switch (figure.unit) {
    case Unit::count:
      return scaled(*value, 1000, kCounts);
    case Unit::per_second:
      return scaled(*value, 1000, kCounts) + "/s";
    case Unit::bytes:
      return scaled(*value, 1000, kBytes);
    case Unit::bytes_per_second:
      return scaled(*value, 1000, kBytes) + "/s";
    case Unit::micros:
      return (*value < 0 ? "-" : "") + scaled(std::abs(*value), 1000, kTimes);
  }
  return {};
}

void append_json(TextBuffer& out, const Figure& figure, std::optional<double> value) {
  if (!value) return;
  if (out.view().back() != '{') out.raw(',');
  out.quoted(figure.key);
  out.raw(':');
  std::array<char, 64> text{};
  const bool whole = *value == std::floor(*value) && std::abs(*value) < 1e15;
  std::snprintf(text.data(), text.size(), whole ? "%.0f" : "%.1f", *value);
  out.raw(text.data());
}

/// A table with one line for each value of a label: feeds, rules.
template <std::size_t N>
std::string lines(const Figure (&figures)[N], const char* title, const std::string& label, const ServerFigures& now,
                  const ServerFigures* before) {
  std::string text;
  for (const std::string& who : now.values_of(figures[0].metric, label)) {
    std::array<char, 64> cell{};
    if (text.empty()) {
      std::snprintf(cell.data(), cell.size(), "\n%-16s", title);
      text += cell.data();
      for (const Figure& figure : figures) {
        std::snprintf(cell.data(), cell.size(), "%12s", figure.name);
        text += cell.data();
      }
      text += '\n';
    }
    std::snprintf(cell.data(), cell.size(), "%-16.16s", who.c_str());
    text += cell.data();
    for (const Figure& figure : figures) {
      const auto value = value_of(figure, now, before, {{label, who}});
      std::snprintf(cell.data(), cell.size(), "%12s",
                    (shown(figure, value) + (figure.bad && value.value_or(0) > 0 ? "!" : "")).c_str());
      text += cell.data();
    }
    text += '\n';
  }
  return text;
}

template <std::size_t N>
void json_list(TextBuffer& out, const Figure (&figures)[N], const char* key, const std::string& label,
               const ServerFigures& now, const ServerFigures* before) {
  out.raw(",\"");
  out.raw(key);
  out.raw("\":[");
  for (const std::string& who : now.values_of(figures[0].metric, label)) {
    if (out.view().back() != '[') out.raw(',');
    out.raw('{');
    out.quoted("name");
    out.raw(':');
    out.quoted(who);
    for (const Figure& figure : figures) append_json(out, figure, value_of(figure, now, before, {{label, who}}));
    out.raw('}');
  }
  out.raw(']');
}

/// What plugins count is theirs to name.
std::vector<const Sample*> plugin_samples(const ServerFigures& now) {
  std::vector<const Sample*> found;
  for (const Sample& sample : now.samples) {
    if (sample.name.starts_with("bixws_plugin_")) found.push_back(&sample);
  }
  return found;
}

}  // namespace

std::vector<Sample> parse_metrics(std::string_view text) {
  std::vector<Sample> samples;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.front() == '#') continue;
    Sample sample;
    const std::size_t name_end = line.find_first_of("{ ");
    if (name_end == std::string_view::npos) continue;
    sample.name = line.substr(0, name_end);
    line.remove_prefix(name_end);
    if (!take_labels(line, sample.labels)) continue;
    while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
    const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), sample.value);
    if (error == std::errc()) samples.push_back(std::move(sample));
  }
  return samples;
}

std::vector<std::string> health_reasons(const std::string& body) {
  std::vector<std::string> reasons;
  try {
    const simdjson::padded_string padded(body);
    simdjson::ondemand::parser parser;
    simdjson::ondemand::document document = parser.iterate(padded);
    for (const std::string_view reason : document["reasons"].get_array()) reasons.emplace_back(reason);
  } catch (const simdjson::simdjson_error&) {
    reasons = {body};
  }
  return reasons;
}

std::optional<double> ServerFigures::sum(std::string_view name, const Labels& labels) const {
  std::optional<double> total;
  for (const Sample& sample : samples) {
    if (sample.name != name) continue;
    const bool meant = std::all_of(labels.begin(), labels.end(), [&](const auto& label) {
      const auto found = sample.labels.find(label.first);
      return found != sample.labels.end() && found->second == label.second;
    });
    if (meant) total = total.value_or(0) + sample.value;
  }
  return total;
}

std::vector<std::string> ServerFigures::values_of(std::string_view name, const std::string& label) const {
  std::vector<std::string> values;
  for (const Sample& sample : samples) {
    const auto found = sample.labels.find(label);
    if (sample.name != name || found == sample.labels.end()) continue;
    if (std::find(values.begin(), values.end(), found->second) == values.end()) values.push_back(found->second);
  }
  return values;
}

std::string top_text(const ServerFigures& now, const ServerFigures* before, const std::string& url) {
  std::string text = "bixws top  " + url + "  ";
  if (!now.problem.empty()) return text + "cannot be reached\n\n" + now.problem + "\n";
  text += now.healthy ? "healthy\n" : "unhealthy\n";
  for (const std::string& reason : now.reasons) text += "  ! " + reason + "\n";
  text += '\n';
  int column = 0;
  for (const Figure& figure : kServer) {
    const auto value = value_of(figure, now, before, {});
    if (!now.sum(figure.metric)) continue;
    std::array<char, 96> cell{};
    const std::string number = shown(figure, value) + (figure.bad && value.value_or(0) > 0 ? " !" : "");
    std::snprintf(cell.data(), cell.size(), "%-12s%-12s", figure.name, number.c_str());
    text += cell.data();
    text += ++column % 3 == 0 ? "\n" : "  ";
  }
  if (column % 3 != 0) text += '\n';
  text += lines(kFeed, "FEED", "feed", now, before);
  if (now.sum(kRecorder[0].metric)) {
    text += "\nRECORDER  ";
    for (const Figure& figure : kRecorder) {
      text += std::string(figure.name) + " " + shown(figure, value_of(figure, now, before, {})) + "   ";
    }
    text += '\n';
  }
  text += lines(kRule, "ALERT RULE", "rule", now, before);
  const auto plugins = plugin_samples(now);
  if (!plugins.empty()) text += "\nCOUNTED BY PLUGINS\n";
  for (const Sample* sample : plugins) {
    text += "  " + sample->name.substr(std::string_view("bixws_plugin_").size()) + " " +
            shown({"", "", "", Unit::count}, sample->value) + "\n";
  }
  return text;
}

std::string top_json(const ServerFigures& now, const ServerFigures* before, const std::string& url) {
  TextBuffer out;
  out.raw('{');
  for (const Figure& figure : kServer) append_json(out, figure, value_of(figure, now, before, {}));
  for (const Figure& figure : kRecorder) append_json(out, figure, value_of(figure, now, before, {}));
  if (out.view().back() != '{') out.raw(',');
  out.raw("\"url\":");
  out.quoted(url);
  out.raw(now.healthy ? std::string_view(",\"healthy\":true,\"reasons\":[")
                      : std::string_view(",\"healthy\":false,\"reasons\":["));
  for (const std::string& reason : now.reasons) {
    if (out.view().back() != '[') out.raw(',');
    out.quoted(reason);
  }
  out.raw(']');
  if (!now.problem.empty()) {
    out.raw(",\"problem\":");
    out.quoted(now.problem);
  }
  json_list(out, kFeed, "feeds", "feed", now, before);
  json_list(out, kRule, "rules", "rule", now, before);
  out.raw(",\"plugins\":{");
  for (const Sample* sample : plugin_samples(now)) {
    const std::string key = sample->name.substr(std::string_view("bixws_plugin_").size());
    append_json(out, {key.c_str(), "", "", Unit::count}, sample->value);
  }
  out.raw("}}\n");
  return out.str();
}

}  // namespace bixws::host

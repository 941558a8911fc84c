// SPDX-License-Identifier: Apache-2.0
// Prometheus text: one family after the other, HELP, TYPE, samples.
#include "support/prometheus_text.h"

#include <cmath>
#include <limits>
#include <regex>

namespace bixws::test {
namespace {

double number(const std::string& text) {
  if (text == "+Inf") return std::numeric_limits<double>::infinity();
  std::size_t used = 0;
  const double value = std::stod(text, &used);
  return used == text.size() ? value : std::nan("");
}

}  // namespace

PrometheusText::PrometheusText(std::string_view text) {
  if (text.empty() || text.back() != '\n') complain("the last line does not end", "");
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty()) continue;
    if (line.front() == '#') {
      comment(line);
    } else {
      sample(line);
    }
  }
  for (const auto& [name, family] : families_) {
    if (family.samples.empty()) complain("a family without samples", name);
    if (family.type == "histogram") check_histogram(name, family);
  }
}

void PrometheusText::comment(std::string_view line) {
  static const std::regex form(R"(# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+))");
  std::cmatch parts;
  if (!std::regex_match(line.data(), line.data() + line.size(), parts, form)) return complain("an odd comment", line);
  const std::string name = parts[2];
  if (parts[1] == "HELP") {
    if (families_.contains(name)) return complain("a family for the second time", line);
    families_[name].help = parts[3];
    current_ = name;
    return;
  }
  if (name != current_ || !families_[name].type.empty()) return complain("TYPE that does not follow its HELP", line);
  families_[name].type = parts[3];
  static const std::regex types("counter|gauge|histogram|summary|untyped");
  if (!std::regex_match(families_[name].type, types)) complain("an unknown type", line);
}

void PrometheusText::sample(std::string_view line) {
  static const std::regex form(
      R"-(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\[\\"n])*"(,[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\[\\"n])*")*\})? ([-+.0-9a-zA-Z]+))-");
  std::cmatch parts;
  if (!std::regex_match(line.data(), line.data() + line.size(), parts, form)) return complain("an odd sample", line);
  const std::string name = parts[1];
  Family* const family = family_of(name);
  if (family == nullptr) return complain("a sample outside of its family", line);
  if (family->type.empty()) return complain("a sample before its TYPE", line);
  double value = std::nan("");
  try {
    value = number(parts[6]);
  } catch (const std::exception&) {
    value = std::nan("");
  }
  if (std::isnan(value)) return complain("no number", line);
  if (family->type != "gauge" && value < 0) complain("a negative count", line);
  if (!family->samples.emplace(name + parts[2].str(), value).second) complain("the same sample twice", line);
}

PrometheusText::Family* PrometheusText::family_of(const std::string& name) {
  const auto found = families_.find(current_);
  if (found == families_.end()) return nullptr;
  if (found->second.type != "histogram") return name == current_ ? &found->second : nullptr;
  const bool part = name == current_ + "_bucket" || name == current_ + "_sum" || name == current_ + "_count";
  return part ? &found->second : nullptr;
}

// Buckets are cumulative, and the last one holds everything.
void PrometheusText::check_histogram(const std::string& name, const Family& family) {
  std::map<double, double> buckets;
  static const std::regex bound(R"-(_bucket\{le="([^"]+)"\})-");
  for (const auto& [sample, value] : family.samples) {
    std::smatch parts;
    if (std::regex_search(sample, parts, bound)) buckets[number(parts[1])] = value;
  }
  double before = 0;
  for (const auto& [limit, value] : buckets) {
    if (value < before) complain("buckets that are not cumulative", name);
    before = value;
  }
  if (buckets.empty() || !std::isinf(buckets.rbegin()->first)) complain("no bucket +Inf", name);
  if (value(name + "_count") != before) complain("a count that is not the last bucket's", name);
  if (std::isnan(value(name + "_sum"))) complain("no sum", name);
}

double PrometheusText::value(const std::string& sample) const {
  for (const auto& [name, family] : families_) {
    const auto found = family.samples.find(sample);
    if (found != family.samples.end()) return found->second;
  }
  return std::nan("");
}

void PrometheusText::complain(std::string_view what, std::string_view line) {
  complaints_.push_back(std::string(what) + ": " + std::string(line));
}

}  // namespace bixws::test

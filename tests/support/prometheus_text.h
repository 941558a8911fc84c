// SPDX-License-Identifier: Apache-2.0
// Prometheus' text format 0.0.4, read as strictly as its description allows: what a test learns from /metrics.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace bixws::test {

class PrometheusText {
 public:
  struct Family {
    std::string type, help;
    /// Value by the sample's name and labels as they stand in the text: bixws_clients, x_bucket{le="0.1"}.
    std::map<std::string, double> samples;
  };

  explicit PrometheusText(std::string_view text);

  /// What is wrong, line by line; empty: it is valid.
  [[nodiscard]] const std::vector<std::string>& complaints() const { return complaints_; }
  [[nodiscard]] const std::map<std::string, Family>& families() const { return families_; }
  /// The sample's value, or NaN if there is none.
  [[nodiscard]] double value(const std::string& sample) const;

 private:
  void comment(std::string_view line);
  void sample(std::string_view line);
  void check_histogram(const std::string& name, const Family& family);
  Family* family_of(const std::string& name);
  void complain(std::string_view what, std::string_view line);

  std::map<std::string, Family> families_;
  std::string current_;  // the family whose lines these are
  std::vector<std::string> complaints_;
};

}  // namespace bixws::test

// SPDX-License-Identifier: Apache-2.0
// ServerFigures: a running server's /metrics and /healthz, read and laid out for `top`.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bixws::host {

/// One line of Prometheus text.
struct Sample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
};
/// Comments and lines that are no samples are passed over.
[[nodiscard]] std::vector<Sample> parse_metrics(std::string_view text);

/// The reasons in the body of a 503 of /healthz; the text itself if it is none.
[[nodiscard]] std::vector<std::string> health_reasons(const std::string& body);

/// One look at a server.
struct ServerFigures {
  double at = 0;  ///< seconds, steady
  std::vector<Sample> samples;
  bool healthy = false;
  std::vector<std::string> reasons;  ///< why it is not
  std::string problem;               ///< not empty: it could not be looked at, and why

  /// Sum over all samples of the name whose labels contain these; nullopt: there is none.
  [[nodiscard]] std::optional<double> sum(std::string_view name,
                                          const std::map<std::string, std::string>& labels = {}) const;
  /// The different values of a label.
  [[nodiscard]] std::vector<std::string> values_of(std::string_view name, const std::string& label) const;
};

/// What `top` shows: state, clients, flow, and a line for each feed, sink and rule. Rates need the look before.
[[nodiscard]] std::string top_text(const ServerFigures& now, const ServerFigures* before, const std::string& url);
/// The same as one line of JSON.
[[nodiscard]] std::string top_json(const ServerFigures& now, const ServerFigures* before, const std::string& url);

}  // namespace bixws::host

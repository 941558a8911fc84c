// SPDX-License-Identifier: Apache-2.0
// The dashboard and the alert rules that come with bixws ask for figures that it has.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "support/raw_json.h"
#include "support/serving.h"
#include "support/temp_dir.h"

namespace bixws::test {
namespace {

/// Names of figures in a text of whatever kind.
std::set<std::string> names_in(const std::string& text) {
  static const std::regex name("\\b(bixws|process)_[a-z0-9_]+");
  std::set<std::string> names;
  for (std::sregex_iterator at(text.begin(), text.end(), name), end; at != end; ++at) names.insert(at->str());
  return names;
}

class Monitoring : public testing::Test {
 protected:
  /// What a node that records and publishes has together with its edge and a feed with connections. The broker need not
  /// be there.
  static std::set<std::string> existing() {
    TempDir folder;
    const Serving node(BIXWS_BINARY, {"--record", (folder / "r.db").string(), "--sink",
                                      "nats:url=nats://127.0.0.1:1,linger=0s", "--feed", "nats:url=nats://127.0.0.1:1",
                                      "--feed", "binance:url=ws://127.0.0.1:1,rest=http://127.0.0.1:1"});
    std::set<std::string> names;
    // A feed's figures come once it has begun.
    EXPECT_TRUE(wait_until([&] {
      names = names_in(http_get(node.http("/metrics")).body);
      return names.contains("bixws_feed_gaps_total") && names.contains("bixws_plugin_feed_nats_missed");
    }));
    // Of a feed that has heard its exchange's clock, which nobody here plays.
    for (const char* later : {"bixws_feed_lag_us", "bixws_feed_skew_us"}) names.insert(later);
    return names;
  }
  static std::string shipped(const std::string& file) {
    return read_file(std::filesystem::path(BIXWS_SOURCE_DIR) / "packaging" / "monitoring" / file);
  }
};

TEST_F(Monitoring, EachFigureOfDashboardAndRulesExists) {
  const std::set<std::string> there = existing();
  for (const char* file : {"grafana.json", "alerts.yml"}) {
    const std::set<std::string> asked = names_in(shipped(file));
    EXPECT_GT(asked.size(), 10U) << file;
    for (const std::string& name : asked) EXPECT_TRUE(there.contains(name)) << file << " asks for " << name;
  }
}

TEST_F(Monitoring, TheDashboardIsWhatGrafanaReads) {
  const RawJson dashboard = RawJson::parse_or_throw(shipped("grafana.json"));
  EXPECT_EQ(dashboard["uid"].text(), "bixws");
  ASSERT_GT(dashboard["panels"].size(), 10U);
  std::set<std::string> ids;
  for (const RawJson& panel : dashboard["panels"].items()) {
    EXPECT_TRUE(ids.insert(panel["id"].text()).second) << "two panels with one id";
    EXPECT_GT(panel["targets"].size(), 0U) << panel["title"].text();
  }
}

TEST_F(Monitoring, EveryAlertSaysWhatToDo) {
  const std::string rules = shipped("alerts.yml");
  const auto count = [&](const std::string& what) {
    std::size_t found = 0;
    for (std::size_t at = rules.find(what); at != std::string::npos; at = rules.find(what, at + 1)) ++found;
    return found;
  };
  EXPECT_GE(count("- alert: "), 10U);
  for (const char* part : {"expr: ", "summary: ", "remedy: ", "severity: "})
    EXPECT_EQ(count(part), count("- alert: ")) << part;
}

}  // namespace
}  // namespace bixws::test

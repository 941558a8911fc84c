// SPDX-License-Identifier: Apache-2.0
// The lines of captures/expected/ and our own events in one comparable form: kind, symbol and values, trailing zeros
// cut.
#pragma once

#include <bixws/dialect.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/raw_json.h"

namespace bixws::test {

// The oracle's lines without its summary, in order.
std::vector<std::string> lines_of(const std::vector<RawJson>& expected);
// The same of events: data events in order, then one line for each book as it ended.
std::vector<std::string> lines_of(const std::vector<const Event*>& events);

// Every number of an event exactly as it goes out: for a book bids then asks, price then size; for trades price and
// size of each; for a candle open, high, low, close, volume; for a ticker those it has, in the order of struct Ticker.
// Empty for other kinds.
std::vector<std::string> digits_of(const Event& event);

// Names of captures/examples/<prefix>*.ndjson, without the suffix; empty when there are no captures.
std::vector<std::string> examples_of(std::string_view prefix);
std::string example_test_name(const testing::TestParamInfo<std::string>& name);

// Feeds an example's frames to the dialect and compares what it says, line by line, with the expected file, and the
// counts with its summary.
void expect_example(const std::string& name, std::unique_ptr<Dialect> dialect);

}  // namespace bixws::test

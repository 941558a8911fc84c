// SPDX-License-Identifier: Apache-2.0
// The stand-in exchange's faults and controls as lines of text, for the standalone program's stdin and options.
#pragma once

#include <string>
#include <string_view>

#include "support/standin_exchange.h"

namespace bixws::test {

// KIND [key=value ...] [payload]: a Fault's kind and fields by their names, then the payload as it stands.
//   drop at=50 lose=20      cut at=7 bytes=13 connection=1      skip count=3 symbol=BTCUSDT channel=depth
//   inject_text {"e":1}     close count=1012 restart            inject_text bad=html
// bad= is html, json, digits, utf8, huge (100 MB) or announce (a header for 2^62 bytes, with inject_raw).
// Throws std::runtime_error naming the word it does not understand.
Fault parse_fault(std::string_view line);

// Any fault, or: hold, play N, release, speed X|max, upgrades STATUS [COUNT], rest STATUS [COUNT [TARGET_PART]],
// rest_delay MS, normal, refuse N [WHY], ignore N, listen, status.
// Returns what to print: "ok", "error: ..." or, for status, one JSON object.
std::string run_command(StandinExchange& exchange, std::string_view line);

// "html" or a number; 429 and 418 come with Retry-After: 1.
HttpReply parse_reply(const std::string& word);

}  // namespace bixws::test

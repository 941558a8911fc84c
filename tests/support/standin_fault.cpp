// SPDX-License-Identifier: Apache-2.0
// Ready-made misbehaviour.
#include "support/standin_fault.h"

#include <random>

namespace bixws::test {

std::vector<Fault> random_drops(std::uint64_t every, std::uint64_t total, std::uint64_t seed, std::uint64_t lose) {
  std::mt19937_64 random(seed);
  std::vector<Fault> faults;
  // Each somewhere in its own stretch of `every` frames, so that none can fall on another.
  for (std::uint64_t start = 0; start + every <= total; start += every) {
    Fault fault;
    fault.at = start + 1 + random() % every;
    switch (random() % 4) {
      case 0:
        fault.kind = Fault::Kind::drop;
        break;
      case 1:
        fault.kind = Fault::Kind::reset;
        break;
      case 2:
        fault.kind = Fault::Kind::cut;
        break;
      default:
        fault.kind = Fault::Kind::cut_reset;
    }
    fault.bytes = random() % 120;
    fault.lose = lose == 0 ? 0 : random() % (lose + 1);
    faults.push_back(fault);
  }
  return faults;
}

namespace bad {

std::string html() {
  return "<!DOCTYPE html><html><head><title>Error 502</title></head><body>Bad gateway</body></html>";
}

std::string truncated_json() { return R"({"stream":"btcusdt@trade","data":{"e":"trade","E":16339985)"; }

std::string digits(std::size_t count) {
  std::string number;
  for (std::size_t i = 0; i < count; ++i) number += static_cast<char>('1' + i % 9);
  return number;
}

std::string invalid_utf8() { return "{\"text\":\"\xC3\x28\xFF\"}"; }

}  // namespace bad

namespace replies {

namespace {

HttpReply with_retry(int status, std::string body, int retry_after_seconds) {
  HttpReply reply{.status = status, .body = std::move(body)};
  reply.headers["Retry-After"] = std::to_string(retry_after_seconds);
  return reply;
}

}  // namespace

HttpReply too_many(int retry_after_seconds) {
  return with_retry(429, R"({"code":-1003,"msg":"Too many requests."})", retry_after_seconds);
}

HttpReply banned(int retry_after_seconds) {
  return with_retry(418, R"({"code":-1003,"msg":"Way too many requests; IP banned."})", retry_after_seconds);
}

HttpReply geo_blocked() {
  return {.status = 451, .body = R"({"code":0,"msg":"Service unavailable from a restricted location."})"};
}

HttpReply unavailable() { return {.status = 503, .body = "", .content_type = "text/plain"}; }

HttpReply html() { return {.status = 200, .body = bad::html(), .content_type = "text/html"}; }

HttpReply truncated(HttpReply good, std::size_t bytes) {
  good.cut_after = bytes;
  return good;
}

}  // namespace replies

}  // namespace bixws::test

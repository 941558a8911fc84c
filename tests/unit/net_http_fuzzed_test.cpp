// SPDX-License-Identifier: Apache-2.0
// HTTP heads that a fuzzer found: each once overflowed or was undefined.
#include <gtest/gtest.h>

#include "net/http.h"

namespace bixws::net {
namespace {

TEST(HttpHeads, AServersOwnStatusCodeIsANumberLikeAnyOther) {
  const auto head = parse_response("HTTP/1.1 858 Too Many\r\nRetry-After: 12\r\n\r\n");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 858);
  EXPECT_EQ(head->reason, "Too Many");
  EXPECT_FALSE(parse_response("HTT=/1.1 858 Too Many\r\n\r\n"));
  EXPECT_FALSE(parse_response("HTTP/1.1 85x Too\r\n\r\n"));
  EXPECT_FALSE(parse_response("HTTP/1.1 20\r\n\r\n"));
  EXPECT_FALSE(parse_response("HTTP/1.1 2000\r\n\r\n"));
  const auto bare = parse_response("HTTP/1.0 204\r\n\r\n");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->minor, 0);
  EXPECT_EQ(bare->reason, "");
}

TEST(HttpHeads, ARetryAfterThatIsNoDateIsBounded) {
  Headers headers;
  headers.add("Retry-After", "o12");
  const auto wait = retry_after(headers, std::chrono::system_clock::time_point(std::chrono::hours(24)));
  EXPECT_EQ(wait.value_or(std::chrono::seconds(0)), std::chrono::seconds(0));
  Headers far;
  far.add("Retry-After", "Sun, 06 Nov 2594 08:49:37 GMT");
  EXPECT_EQ(retry_after(far, std::chrono::system_clock::time_point()), std::chrono::hours(24 * 365));
}

}  // namespace
}  // namespace bixws::net

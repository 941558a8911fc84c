// SPDX-License-Identifier: Apache-2.0
// Symbols that an exchange does not list, through the real binary and the exchange's own instrument list.
#include <gtest/gtest.h>

#include "support/captures.h"
#include "support/process.h"
#include "support/standin_exchange.h"

namespace bixws::test {
namespace {

TEST(ExchangeSymbols, UnlistedOnesEndTheCommandWithTheNearestListed) {
  BIXWS_REQUIRE_CAPTURES();
  StandinOptions options;
  options.hold = true;
  StandinExchange standin(read_capture(capture_path("cryptofeed/BINANCE.ws.1.0")), options);
  const std::string feed = "binance:url=" + standin.ws_url() + ",rest=" + standin.rest_url();
  const TempDir folder;
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"record", "NKNUSTD", "--feed", feed, "-o", "day.db"},
        std::vector<std::string>{"serve", "NKNUSDT", "NKNUSTD", "--feed", feed, "--port", "0"}}) {
    SCOPED_TRACE(args.front());
    const Finished finished = run(BIXWS_BINARY, {.args = args, .cwd = folder.path()});
    EXPECT_EQ(finished.exit, (ExitStatus{2, 0}));
    EXPECT_NE(finished.err.find("bixws: feed binance: unknown symbol NKNUSTD; did you mean NKNUSDT?\n"),
              std::string::npos)
        << finished.err;
    EXPECT_EQ(finished.out, "");
  }
}

}  // namespace
}  // namespace bixws::test

// SPDX-License-Identifier: Apache-2.0
// How commands end on signals: the first asks, the second forces.
#include <gtest/gtest.h>
#include <signal.h>

#include "support/serving.h"

namespace bixws::test {
namespace {

TEST(SecondSignal, ForcesTheEndWith130) {
  Serving server(BIXWS_BINARY);
  WsTestClient polite;
  WsTestClient deaf;  // answers no close frame, so that the server waits for it
  ASSERT_TRUE(polite.connect(server.ws()));
  ASSERT_TRUE(deaf.connect(server.ws()));
  ASSERT_TRUE(polite.next_text());
  server.process.send_signal(SIGTERM);
  ASSERT_TRUE(polite.wait_closed());  // the first signal is being obeyed
  server.process.send_signal(SIGINT);
  EXPECT_EQ(server.process.wait_exit(), (ExitStatus{130, 0}));
}

}  // namespace
}  // namespace bixws::test

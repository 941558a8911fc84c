// SPDX-License-Identifier: Apache-2.0
// Appends a session with events of every kind, from a fixed seed, to a recording. This is how the second session of
// each fixtures/recordings/version-N.db was made; those files themselves are frozen.
//   recording_fixture FILE
#include <cstdio>
#include <exception>

#include "recording/random_events.h"
#include "recording/session_writer.h"

int main(int argc, char** argv) {
  using namespace bixws;
  if (argc != 2) {
    std::fprintf(stderr, "usage: recording_fixture FILE\n");
    return 2;
  }
  try {
    Instruments instruments;
    test::RandomEvents random(instruments, 20261123);
    recording::SessionOptions options;
    options.path = argv[1];
    options.feeds = "random events";
    options.version = "fixture";
    options.now = test::RandomEvents::Options().start;
    options.raw = true;
    options.sql_books = true;
    recording::SessionWriter writer(options);
    for (int commit = 0; commit < 4; ++commit) {
      writer.write(random.batch(100));
      writer.commit();
    }
    writer.finish();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}

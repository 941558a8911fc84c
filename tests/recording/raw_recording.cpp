// SPDX-License-Identifier: Apache-2.0
// Makes the raw recording of a capture: raw_recording EXCHANGE CAPTURE FILE [TIMES]
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "support/raw_session.h"

int main(int argc, char** argv) {
  const int times = argc == 5 ? std::atoi(argv[4]) : 1;
  if (argc < 4 || argc > 5 || times < 1) {
    std::fputs("usage: raw_recording EXCHANGE CAPTURE FILE [TIMES]\n", stderr);
    return 2;
  }
  try {
    bixws::test::write_raw_session(argv[3], argv[1], bixws::test::read_capture(argv[2]), times);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "raw_recording: %s\n", e.what());
    return 1;
  }
  return 0;
}

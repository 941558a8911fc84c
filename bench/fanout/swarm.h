// SPDX-License-Identifier: Apache-2.0
// Swarm: many clients on one thread that connect, subscribe, listen for a while and leave; some may stop reading.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "link.h"
#include "stream.h"

namespace bixws::bench {

struct SwarmOptions {
  Target target;
  int clients = 1;
  int parallel = 128;           ///< handshakes at a time
  double connect_seconds = 30;  ///< for all of them
  std::string subscribe;        ///< sent by each once all are connected; empty: data comes by itself, or none does
  bool expects_data = true;     ///< the warm-up begins when everybody has got a message
  double warmup = 0.5;
  double seconds = 2;        ///< of the window
  int stalled = 0;           ///< so many stop reading...
  double stall_after = 2;    ///< ... this long after the window began
  double drain_seconds = 8;  ///< and read again after it, until they are told something or this is over
  pid_t server = 0;          ///< whose processor time and memory are read; 0: nobody's
};

/// How the server looked at one moment.
struct Reading {
  double at = 0;
  double cpu = 0;
  double own_cpu = 0;
  double machine_cpu = 0;
  std::int64_t resident = 0;
  std::int64_t tcp = 0;
  std::uint64_t messages = 0;
};

struct SwarmReport {
  int connected = 0;
  double connect_time = 0;
  Histogram handshake;  ///< microseconds from connect() to the 101
  Reading before, idle, begin, stall, end;
  std::int64_t peak_resident = 0;  ///< in the window
  std::int64_t peak_tcp = 0;
  Tally tally;
  Histogram stalled_latency;           ///< of the others, after the stall
  std::uint64_t fewest = 0, most = 0;  ///< messages of a reading client in the window
  std::uint64_t receives = 0;          ///< recv() calls that returned bytes, in the window
  std::map<std::string, int> lost;     ///< clients that ended too soon, by how
  std::map<std::string, int> stalled;  ///< what became of those that stalled
  std::string complaint;               ///< empty: all was as it should be
};

SwarmReport run_swarm(const SwarmOptions& options);

}  // namespace bixws::bench

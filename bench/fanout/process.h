// SPDX-License-Identifier: Apache-2.0
// What the kernel knows of processes and of the machine.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace bixws::bench {

/// Processor seconds of a process so far, to the nanosecond; 0 if it is gone.
double cpu_seconds(pid_t process);
/// Resident memory in KiB; 0 if it is gone.
std::int64_t resident_kib(pid_t process);
/// Processor seconds that the whole machine has been busy.
double busy_seconds();
/// Kernel memory of all TCP sockets in KiB.
std::int64_t tcp_kib();

/// Microseconds since the epoch, and seconds of the steady clock.
std::int64_t wall_us();
double steady_seconds();

/// As many open files as the kernel allows; false if `wanted` are more than that.
bool raise_file_limit(std::uint64_t wanted);

}  // namespace bixws::bench

// SPDX-License-Identifier: Apache-2.0
// What recording costs. bench_recording PART --folder DIR --captures DIR --plugins DIR [--messages N]
// PART: writers, delay, queries, flood; `run` beside this file knows the rest.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <exception>

#include "figures.h"

namespace bixws::bench {

Traffic coinbase_traffic(const Options& options, bool trades_only) {
  TrafficOptions traffic;
  traffic.capture = {options.captures + "/cryptofeed/COINBASE.0", options.captures + "/cryptofeed/COINBASE.ws.28.0"};
  traffic.feed = "coinbase";
  traffic.plugin_directory = options.plugins;
  traffic.messages = options.messages;
  traffic.trades_only = trades_only;
  return make_traffic(traffic);
}

std::uint64_t bytes_on_disk(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

void remove_recording(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm"}) ::unlink((path + suffix).c_str());
}

}  // namespace bixws::bench

int main(int argc, char** argv) {
  using namespace bixws::bench;
  const auto usage = [] {
    std::fputs(
        "usage: bench_recording writers|delay|queries|flood --folder DIR --captures DIR --plugins DIR "
        "[--messages N]\n",
        stderr);
    return 2;
  };
  Options options;
  if (argc < 2) return usage();
  for (int i = 2; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--folder") == 0) {
      options.folder = argv[i + 1];
    } else if (std::strcmp(argv[i], "--captures") == 0) {
      options.captures = argv[i + 1];
    } else if (std::strcmp(argv[i], "--plugins") == 0) {
      options.plugins = argv[i + 1];
    } else if (std::strcmp(argv[i], "--messages") == 0) {
      options.messages = std::strtoull(argv[i + 1], nullptr, 10);
    } else {
      return usage();
    }
  }
  if (options.folder.empty() || options.captures.empty() || options.plugins.empty() || options.messages == 0) {
    return usage();
  }
  try {
    if (std::strcmp(argv[1], "writers") == 0) return bench_writers(options);
    if (std::strcmp(argv[1], "delay") == 0) return bench_delay(options);
    if (std::strcmp(argv[1], "queries") == 0) return bench_queries(options);
    if (std::strcmp(argv[1], "flood") == 0) return bench_flood(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_recording: %s\n", error.what());
    return 1;
  }
  return usage();
}

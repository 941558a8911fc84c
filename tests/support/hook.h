// SPDX-License-Identifier: Apache-2.0
// Hook: a webhook receiver (tools/hook_server.py) and what it was sent.
#pragma once

#include <string>
#include <vector>

#include "support/process.h"
#include "support/raw_json.h"

namespace bixws::test {

class Hook {
 public:
  // `answers` and options as hook_server.py takes them. `source_dir` is the repository.
  Hook(const std::string& source_dir, std::vector<std::string> answers)
      : process_("/usr/bin/python3", [&] {
          ProcessOptions options;
          options.args = std::move(answers);
          options.args.insert(options.args.begin(), source_dir + "/tests/support/tools/hook_server.py");
          return options;
        }()) {
    const auto line = process_.wait_for_line("^port (\\d+)$");
    if (!line) throw std::runtime_error("the webhook receiver does not start: " + process_.err());
    port_ = (*line)[1];
  }

  std::string url(const std::string& path = "/hook", const std::string& scheme = "http") const {
    return scheme + "://localhost:" + port_ + path;
  }
  bool wait_for(std::size_t requests, Milliseconds within = patience) const {
    return process_.wait_for_lines(requests + 1, Process::Output::out, within);
  }
  // Everything received so far, in its order, without the first `skip`.
  std::vector<RawJson> requests(std::size_t skip = 0) const {
    std::vector<RawJson> all;
    const auto lines = process_.lines();
    for (std::size_t i = 1 + skip; i < lines.size(); ++i) all.push_back(RawJson::parse_or_throw(lines[i]));
    return all;
  }

 private:
  Process process_;
  std::string port_;
};

}  // namespace bixws::test

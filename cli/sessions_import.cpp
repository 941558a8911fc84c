// SPDX-License-Identifier: Apache-2.0
// sessions import: others' captures as a session of a recording.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "flags.h"
#include "host/pipeline.h"
#include "model/config_error.h"
#include "progress.h"
#include "recording/recording.h"
#include "verbs.h"

namespace bixws::cli {
namespace {

using recording::RecordingError;

/// Where the session is written: a recording there is gets it in one transaction; a new one appears under its name
/// when it is complete.
class ImportTarget {
 public:
  explicit ImportTarget(std::string file) : file_(std::move(file)), exists_(std::filesystem::exists(file_)) {
    if (exists_) {
      const recording::Recording known(file_);  // says at once if it is none
    } else {
      unfinished_ = file_ + ".new-" + std::to_string(::getpid());
    }
  }
  ~ImportTarget() {
    if (unfinished_.empty()) return;
    for (const char* suffix : {"", "-wal", "-shm"}) ::unlink((unfinished_ + suffix).c_str());
  }
  ImportTarget(const ImportTarget&) = delete;
  ImportTarget& operator=(const ImportTarget&) = delete;

  [[nodiscard]] const std::string& path() const { return exists_ ? file_ : unfinished_; }
  void finish() {
    if (exists_) return;
    if (::renameat2(AT_FDCWD, unfinished_.c_str(), AT_FDCWD, file_.c_str(), RENAME_NOREPLACE) != 0) {
      throw RecordingError(file_ + ": cannot create: " + std::generic_category().message(errno));
    }
    unfinished_.clear();
  }

 private:
  std::string file_, unfinished_;
  bool exists_;
};

capture::Format format_of(const host::Values& values, const std::vector<std::string>& files) {
  const auto named = values.text("format");
  const auto known = named == "cryptofeed" ? capture::Format::cryptofeed
                     : named == "cbcap"    ? capture::Format::cbcap
                     : named == "ndjson"   ? capture::Format::messages
                                           : capture::guess_format(files.front());
  for (const std::string& file : files) {
    capture::size_of(file);
    if (named.empty() && capture::guess_format(file) != known) {
      throw ConfigError(file + " is of another format than " + files.front() + "; import them one by one");
    }
  }
  return known;
}

int import_verb(const Call& call) {
  const host::Values& values = call.values;
  host::ImportRequest import;
  import.files = values.list("sources");
  import.format = format_of(values, import.files);
  host::PipelineOptions options;
  options.version = BIXWS_VERSION;
  if (import.format == capture::Format::messages) {
    if (values.has("feed")) throw ConfigError("messages of bixws name their exchange themselves; leave --feed away");
  } else if (values.has("feed")) {
    options.feeds = {values.text("feed")};
  } else {
    throw ConfigError("sessions import needs --feed NAME: the exchange whose frames these are");
  }
  ImportTarget target(values.text("output"));
  host::RecordRequest request;
  request.path = target.path();
  request.literal_path = true;
  request.raw = true;
  request.whole = true;
  options.record = std::move(request);
  Progress progress("importing", "events");
  import.progress = [&progress](double share, std::uint64_t events) { progress.show(share, events);
};
options.import = std::move(import);
host::Registry registry = open_registry(call);
const int code = host::run_pipeline(options, registry, call.log);
if (code == 0) target.finish();
return code;
}  // namespace

}  // namespace bixws::cli

Verb sessions_import_verb() {
  return {
      .name = "sessions import",
      .summary = "others' captures as a session of a recording",
      .about =
          "Reads raw dumps of cryptofeed (give a connection's file together with those of the REST answers, as "
          "BINANCE.*), .cbcap captures, or messages of bixws, one a line, as watch --json and sessions export write "
          "them. Frames go through the named feed's dialect, as if they came from the exchange now, and are kept, so "
          "that replay --native works. Several files are one session, merged by time. FILE appears when it is "
          "complete; one that exists gets one more session, or stays as it is.",
      .flags = {{.name = "sources",
                 .type = host::FlagType::list,
                 .value = "SRC",
                 .help = "the captures of one exchange",
                 .positional = true,
                 .required = true,
                 .configurable = false},
                {.name = "output",
                 .value = "FILE",
                 .help = "the recording",
                 .letter = 'o',
                 .required = true,
                 .configurable = false},
                {.name = "format",
                 .value = "FORMAT",
                 .help = "of the captures [default: what they look like]",
                 .choices = {"cryptofeed", "cbcap", "ndjson"},
                 .configurable = false},
                {.name = "feed",
                 .value = "NAME",
                 .help = "the exchange whose frames these are; bixws plugins list shows them",
                 .configurable = false}},
      .examples =
          "  # what cryptofeed kept of Binance: a connection, and the REST answers beside it\n"
          "  bixws sessions import BINANCE.* -o binance.db --feed binance\n"
          "  bixws sessions info binance.db\n"
          "  # what somebody saw\n"
          "  bixws watch --json -n 1000 > seen.ndjson\n"
          "  bixws sessions import seen.ndjson -o seen.db --format ndjson\n",
      .run = import_verb};
}

}  // namespace bixws::cli

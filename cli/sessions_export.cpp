// SPDX-License-Identifier: Apache-2.0
// sessions export, index: recordings as text for other tools, and faster SQL.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <system_error>

#include "flags.h"
#include "host/signals.h"
#include "model/config_error.h"
#include "output.h"
#include "progress.h"
#include "recording/exporter.h"
#include "recording/indexer.h"
#include "recording/recording.h"
#include "verbs.h"

namespace bixws::cli {
namespace {

using recording::RecordingError;

std::string reason() { return std::generic_category().message(errno); }

/// Text for stdout or a file. A file appears under its name when it is complete, never before.
class Destination {
 public:
  explicit Destination(std::string file) : file_(std::move(file)) {
    if (file_.empty() || file_ == "-") {
      file_.clear();
      fd_ = STDOUT_FILENO;
      return;
    }
    unfinished_ = file_ + ".new-" + std::to_string(::getpid());
    fd_ = ::open(unfinished_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd_ < 0) throw RecordingError(file_ + ": cannot create: " + reason());
  }
  ~Destination() {
    if (unfinished_.empty()) return;
    ::close(fd_);
    ::unlink(unfinished_.c_str());
  }
  Destination(const Destination&) = delete;
  Destination& operator=(const Destination&) = delete;

  /// False: whoever read stdout has seen enough.
  bool write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = ::write(fd_, text.data(), text.size());
      if (written >= 0) {
        text.remove_prefix(static_cast<std::size_t>(written));
      } else if (errno == EPIPE && file_.empty()) {
        return false;
      } else if (errno != EINTR) {
        throw RecordingError((file_.empty() ? "stdout" : file_) + ": cannot write: " + reason());
      }
    }
    return true;
  }
  void finish() {
    if (unfinished_.empty()) return;
    if (::fsync(fd_) != 0 || ::rename(unfinished_.c_str(), file_.c_str()) != 0) {
      throw RecordingError(file_ + ": cannot write: " + reason());
    }
    ::close(fd_);
    unfinished_.clear();
  }

 private:
  std::string file_, unfinished_;
  int fd_ = -1;
};

int export_verb(const Call& call) {
  recording::ExportOptions options;
  options.path = call.values.text("file");
  options.session = call.values.has("session") ? call.values.integer("session") : 0;
  if (call.values.on("json") && call.values.text("format") == "csv") {
    throw ConfigError("--json and --format csv: which is it to be?");
  }
  options.format = call.values.text("format") == "csv" ? recording::ExportOptions::Format::csv
                                                       : recording::ExportOptions::Format::ndjson;
  options.channels = call.values.list("channels");
  options.symbols = call.values.list("symbols");
  options.from = call.values.text("from");
  options.to = call.values.text("to");
  options.frames = call.values.on("frames");
  const host::Signals signals;
  Destination destination(call.values.text("output"));
  {
    Progress progress("exporting", "lines");
    recording::export_session(
        options, [&](std::string_view text) { return destination.write(text); },
        [&](double share, std::uint64_t lines) {
          progress.show(share, lines);
          return !signals.seen();
        });
  }
  destination.finish();
  return 0;
}

int index_verb(const Call& call) {
  recording::IndexOptions options;
  options.path = call.values.text("file");
  options.session = call.values.has("session") ? call.values.integer("session") : 0;
  options.books = call.values.on("books");
  const host::Signals signals;
  std::uint64_t rows = 0;
  {
    Progress progress("indexing", "events");
    rows = recording::index_recording(options, [&](double share, std::uint64_t events) {
      progress.show(share, events);
      return !signals.seen();
    });
  }
  if (!call.values.on("json")) return 0;
  return print("{\"indexed\":true,\"book_levels\":" + std::to_string(rows) + "}\n");
}

}  // namespace

Verb sessions_export_verb() {
  return {
      .name = "sessions export",
      .summary = "a session as NDJSON or CSV",
      .about =
          "NDJSON lines are the messages a WebSocket client would get, with seq as the event's place in the "
          "session. A file is written beside its name and renamed when it is complete. Candles that were not "
          "recorded are built from the trades.",
      .flags = {file_flag(),
                {.name = "session",
                 .type = host::FlagType::integer,
                 .value = "ID",
                 .help = "the session with this number [default: the latest]",
                 .least = 1,
                 .configurable = false},
                {.name = "format",
                 .value = "FORMAT",
                 .fallback = "ndjson",
                 .help = "of the text",
                 .choices = {"ndjson", "csv"},
                 .configurable = false},
                {.name = "channels",
                 .type = host::FlagType::words,
                 .value = "LIST",
                 .help = "ticker, trades, book, candles, candles:5m, status, gaps, alerts, annotations [default: all]",
                 .configurable = false},
                {.name = "symbols",
                 .type = host::FlagType::words,
                 .value = "LIST",
                 .help = "only these [default: all]",
                 .configurable = false},
                {.name = "from",
                 .value = "T",
                 .help = "from this time on: 2026-11-22T21:00:00Z, or +90s from the session's start",
                 .configurable = false},
                {.name = "to", .value = "T", .help = "up to this time", .configurable = false},
                json_flag(),
                {.name = "frames",
                 .type = host::FlagType::boolean,
                 .help = "the exchange's own frames, as kept by record --raw, instead of events",
                 .configurable = false},
                {.name = "output",
                 .value = "FILE",
                 .help = "write to this file [default: stdout]",
                 .letter = 'o',
                 .configurable = false}},
      .examples =
          "  # trades for a spreadsheet\n"
          "  bixws sessions export btc.db --format csv --channels trades -o trades.csv\n"
          "  # ten seconds of everything, from the second minute on\n"
          "  bixws sessions export btc.db --from +60s --to +70s | jq -c .\n"
          "  # five-minute candles\n"
          "  bixws sessions export btc.db --format csv --channels candles:5m\n",
      .run = export_verb};
}

Verb sessions_index_verb() {
  return {
      .name = "sessions index",
      .summary = "make SQL on a recording faster, or add its books",
      .about =
          "Adds indexes by instrument and time, which recording itself does not pay for. With --books every level "
          "of every book event becomes a row of v_book_levels. May be interrupted and repeated.",
      .flags = {file_flag(),
                {.name = "books", .type = host::FlagType::boolean, .help = "add v_book_levels", .configurable = false},
                {.name = "session",
                 .type = host::FlagType::integer,
                 .value = "ID",
                 .help = "books of the session with this number only [default: all]",
                 .least = 1,
                 .configurable = false},
                json_flag()},
      .examples =
          "  # then ask\n"
          "  bixws sessions index btc.db --books\n"
          "  sqlite3 btc.db 'SELECT * FROM v_book_levels LIMIT 10'\n",
      .run = index_verb};
}

}  // namespace bixws::cli

// SPDX-License-Identifier: Apache-2.0
// record: feeds into a SQLite file.
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <deque>
#include <optional>
#include <string>

#include "flags.h"
#include "host/pipeline.h"
#include "model/config_error.h"
#include "model/text_buffer.h"
#include "verbs.h"

namespace bixws::cli {
namespace {

/// A line on stdout after each commit. A reader that is slow never holds up the recording: it gets the newest state of
/// each session when there is room again.
class CommitLines {
 public:
  /// with_file: which file it is, too, where there may be several.
  explicit CommitLines(bool with_file) : with_file_(with_file) {}

  /// On the writer's thread.
  void add(const recording::Committed& committed, const std::string& file) {
    if (waiting_.empty() || waiting_.back().committed.session != committed.session || waiting_.back().file != file) {
      waiting_.push_back({committed, file});
    } else {
      waiting_.back().committed = committed;
    }
    write(0);
  }

  /// When nothing is recorded any more: what waits for a reader that is there has kLastWords.
  void end() { write(kLastWords); }

 private:
  struct Line {
    recording::Committed committed;
    std::string file;
  };
  static constexpr int kLastWords = 1000;  // milliseconds

  void write(int wait) {
    for (pollfd out{STDOUT_FILENO, POLLOUT, 0}; !waiting_.empty() && ::poll(&out, 1, wait) > 0; waiting_.pop_front()) {
      print(waiting_.front());  // a pipe that can be written to has room for a line
    }
  }

  void print(const Line& said) const {
    TextBuffer line;
    line.raw(R"({"type":"committed","session_id":)");
    line.integer(said.committed.session);
    line.raw(R"(,"seq":)");
    line.integer(said.committed.seq);
    line.raw(R"(,"recv_ts":)");
    line.integer(said.committed.recv_ts);
    if (with_file_) {
      line.raw(R"(,"file":)");
      line.quoted(said.file);
    }
    line.raw("}\n");
    // Whoever read this may have gone; the recording goes on.
    std::fwrite(line.view().data(), 1, line.size(), stdout);
    std::fflush(stdout);
  }

  bool with_file_;
  std::deque<Line> waiting_;
};

/// What a subscribe calls the channels of --channels.
std::vector<std::string> wire_channels(const std::vector<std::string>& names) {
  std::vector<std::string> channels;
  for (const std::string& name : names) channels.push_back(name == "candles" ? "candles:1m" : name);
  channels.insert(channels.end(), {"status", "alerts", "annotations"});
  return channels;
}

host::RemoteRequest remote(const host::Values& values) {
  if (values.given("feed") && values.origin("feed") == "--feed") {
    throw ConfigError("--url and --feed are two sources; give one of them");
  }
  host::RemoteRequest request;
  request.server.url = values.text("url");
  request.server.token = values.text("token");
  request.server.ca_file = values.text("ca");
  request.server.insecure = values.on("insecure");
  request.channels = wire_channels(values.list("channels"));
  return request;
}

int record(const Call& call) {
  const host::Values& values = call.values;
  host::PipelineOptions options;
  options.version = BIXWS_VERSION;
  options.feeds = values.list("feed");
  // Another server's alerts come with its data.
  if (!values.has("url")) {
    options.alerts = values.list("alerts");
  } else if (values.origin("alerts") == "--alerts") {
    throw ConfigError("--url and --alerts do not go together: a server's own alerts are recorded; give it the rules");
  }
  options.symbols = values.list("symbols");
  options.channels = channel_bits(values.list("channels"));
  options.duration = values.duration("duration");
  host::RecordRequest request;
  request.path = values.text("output");
  request.channels = options.channels;
  request.raw = values.on("raw");
  request.sql_books = values.on("sql-books");
  request.rotation = rotation_of(values);
  std::optional<CommitLines> lines;
  if (values.on("json")) {
    lines.emplace(recording::FileNames(request.path, request.rotation.value_or(recording::Rotation{})).rotates());
    request.on_commit = [&lines](const recording::Committed& committed, const std::string& file) {
      lines->add(committed, file);
    };
  }
  options.record = std::move(request);
  if (values.has("url")) options.remote = remote(values);
  host::Registry registry = open_registry(call);
  const int code = host::run_pipeline(options, registry, call.log);
  if (lines) lines->end();
  return code;
}

}  // namespace

Verb record_verb() {
  return {.name = "record",
          .summary = "feeds into a recording",
          .about =
              "Appends a new session to FILE, which is an SQLite database that can be read while it is written. "
              "What was received is on the disk 250 ms later. Stop it with Ctrl-C.",
          .flags = {{.name = "output",
                     .value = "FILE",
                     .help = "the recording; made if missing; may hold parts of the time, as day-%Y%m%d.db",
                     .letter = 'o',
                     .required = true},
                    feed_flag(),
                    {.name = "url", .value = "URL", .help = "record a running bixws server instead of a feed"},
                    {.name = "token", .value = "T", .help = "what that server wants to know", .secret = true},
                    {.name = "ca", .value = "FILE", .help = "trust the certificates signed by this one (PEM)"},
                    alerts_flag(),
                    {.name = "insecure", .type = host::FlagType::boolean, .help = "trust any certificate"},
                    channels_flag(),
                    raw_flag(),
                    rotate_flag(),
                    {.name = "sql-books",
                     .type = host::FlagType::boolean,
                     .help = "a row for each book level (v_book_levels); larger and slower"},
                    duration_flag(),
                    {.name = "json", .type = host::FlagType::boolean, .help = "print a line of JSON after each commit"},
                    symbols_flag()},
          .examples =
              "  # the default symbols, until Ctrl-C\n"
              "  bixws record -o day.db\n"
              "  # trades of one symbol for an hour, then look at them\n"
              "  bixws record -o btc.db --channels trades --duration 1h BTCUSDT\n"
              "  sqlite3 btc.db 'SELECT ts, price_text, size_text, side FROM v_trades LIMIT 10'\n"
              "  # a file a day, each complete in itself; %Y and the like are strftime's, in UTC\n"
              "  bixws record -o 'btc-%Y%m%d.db' BTCUSDT\n"
              "  # a copy of what a server sends, losing nothing; ends when its replay does\n"
              "  bixws record -o copy.db --url ws://localhost:8765\n",
          .run = record};
}

}  // namespace bixws::cli

// SPDX-License-Identifier: Apache-2.0
// Writers side by side: our sessions, a plain zstd file of NDJSON, line dumps as cryptofeed makes them, and rows.
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>
#include <zstd.h>

#include <memory>
#include <stdexcept>
#include <vector>

#include "figures.h"
#include "recording/session_writer.h"

namespace bixws::bench {
namespace {

struct Result {
  std::string name;
  double wall = 0, cpu = 0;
  std::uint64_t bytes = 0;
  std::uint64_t chunk_bytes = 0;
};

/// A file that is written in pieces and synced after each.
class SyncedFile {
 public:
  explicit SyncedFile(const std::string& path) : fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644)) {
    if (fd_ < 0) throw std::runtime_error("cannot create " + path);
  }
  ~SyncedFile() { ::close(fd_); }
  SyncedFile(const SyncedFile&) = delete;
  SyncedFile& operator=(const SyncedFile&) = delete;
  void write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t done = ::write(fd_, bytes.data(), bytes.size());
      if (done < 0) throw std::runtime_error("cannot write");
      bytes.remove_prefix(static_cast<std::size_t>(done));
    }
    ::fsync(fd_);
  }

 private:
  int fd_;
};

constexpr std::size_t kCommitEvents = 50'000;  // as the recorder does at this rate

Result sessions(const std::string& path, const Traffic& traffic, bool raw) {
  remove_recording(path);
  Result result;
  result.name = raw ? "bixws: chunks with raw frames, typed rows" : "bixws: chunks, typed rows";
  const Stopwatch watch;
  recording::SessionOptions options;
  options.path = path;
  options.raw = raw;
  {
    recording::SessionWriter writer(options);
    for (const SharedBatch& batch : raw ? traffic.with_frames : traffic.batches) {
      writer.write(batch);
      if (writer.uncommitted() >= kCommitEvents) writer.commit();
    }
    writer.finish();
  }
  result.wall = watch.wall();
  result.cpu = watch.cpu();
  result.bytes = bytes_on_disk(path);
  recording::Database database(path, recording::Database::Access::read);
  result.chunk_bytes = static_cast<std::uint64_t>(database.integer("SELECT sum(length(data)) FROM chunks"));
  return result;
}

/// The messages as they came, one a line with its time, 4,096 in a zstd frame, synced as often as we commit.
Result zstd_lines(const std::string& path, const Traffic& traffic) {
  Result result;
  result.name = "plain zstd -3 NDJSON file";
  const Stopwatch watch;
  {
    const SyncedFile file(path);
    const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> zstd(ZSTD_createCCtx(), ZSTD_freeCCtx);
    std::string text;
    std::string packed;
    std::string out;
    for (std::size_t i = 0; i < traffic.frames.size(); ++i) {
      text += R"({"recv_ts":)";
      text += std::to_string(traffic.times[i]);
      text += R"(,"msg":)";
      text += traffic.frames[i];
      text += "}\n";
      if (i % 4096 != 4095 && i + 1 != traffic.frames.size()) continue;
      packed.resize(ZSTD_compressBound(text.size()));
      packed.resize(ZSTD_compressCCtx(zstd.get(), packed.data(), packed.size(), text.data(), text.size(), 3));
      out += packed;
      text.clear();
      if (i % kCommitEvents < 4096 || i + 1 == traffic.frames.size()) {
        file.write(out);
        out.clear();
      }
    }
  }
  result.wall = watch.wall();
  result.cpu = watch.cpu();
  result.bytes = bytes_on_disk(path);
  return result;
}

/// `TS: message` lines, joined and synced every 10,000.
Result line_dump(const std::string& path, const Traffic& traffic) {
  Result result;
  result.name = "line dump, as cryptofeed (in C++)";
  const Stopwatch watch;
  {
    const SyncedFile file(path);
    std::string text;
    for (std::size_t i = 0; i < traffic.frames.size(); ++i) {
      text += std::to_string(traffic.times[i] / 1'000'000) + "." + std::to_string(traffic.times[i] % 1'000'000);
      text += ": ";
      text += traffic.frames[i];
      text += '\n';
      if (i % 10'000 != 9'999 && i + 1 != traffic.frames.size()) continue;
      file.write(text);
      text.clear();
    }
  }
  result.wall = watch.wall();
  result.cpu = watch.cpu();
  result.bytes = bytes_on_disk(path);
  return result;
}

/// A row a message, 5,000 in a transaction, WAL and FULL.
Result rows(const std::string& path, const Traffic& traffic) {
  remove_recording(path);
  Result result;
  result.name = "bare SQLite rows of raw JSON";
  const Stopwatch watch;
  {
    sqlite3* db = nullptr;
    sqlite3_open(path.c_str(), &db);
    sqlite3_exec(db,
                 "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE messages(seq INTEGER PRIMARY KEY, "
                 "recv_ts INTEGER, message TEXT); BEGIN",
                 nullptr, nullptr, nullptr);
    sqlite3_stmt* insert = nullptr;
    sqlite3_prepare_v2(db, "INSERT INTO messages VALUES(NULL, ?1, ?2)", -1, &insert, nullptr);
    for (std::size_t i = 0; i < traffic.frames.size(); ++i) {
      sqlite3_bind_int64(insert, 1, traffic.times[i]);
      sqlite3_bind_text(insert, 2, traffic.frames[i].data(), static_cast<int>(traffic.frames[i].size()), SQLITE_STATIC);
      if (sqlite3_step(insert) != SQLITE_DONE) throw std::runtime_error(sqlite3_errmsg(db));
      sqlite3_reset(insert);
      if (i % 5'000 == 4'999) sqlite3_exec(db, "COMMIT; BEGIN", nullptr, nullptr, nullptr);
    }
    sqlite3_finalize(insert);
    sqlite3_exec(db, "COMMIT", nullptr, nullptr, nullptr);
    sqlite3_close(db);
  }
  result.wall = watch.wall();
  result.cpu = watch.cpu();
  result.bytes = bytes_on_disk(path);
  return result;
}

void print(const char* title, const Traffic& traffic, const std::vector<Result>& results) {
  const auto events = static_cast<double>(traffic.events);
  const auto messages = static_cast<double>(traffic.frames.size());
  std::printf("\n%s: %zu messages of %.0f B, %zu events; one thread, on the disk when it is counted\n", title,
              traffic.frames.size(), static_cast<double>(traffic.bytes) / messages, traffic.events);
  std::printf("%-44s %10s %10s %10s %12s %8s\n", "writer", "M/s wall", "M/s cpu", "B/message", "chunk B/ev", "of zstd");
  double plain = 1;
  for (const Result& result : results) {
    if (result.name.starts_with("plain zstd")) plain = messages / result.cpu;
  }
  for (const Result& result : results) {
    const bool ours = result.chunk_bytes != 0;
    std::printf("%-44s %10.2f %10.2f %10.1f ", result.name.c_str(), messages / result.wall / 1e6,
                messages / result.cpu / 1e6, static_cast<double>(result.bytes) / messages);
    if (ours) {
      std::printf("%12.1f", static_cast<double>(result.chunk_bytes) / events);
    } else {
      std::printf("%12s", "-");
    }
    std::printf(" %7.2fx\n", messages / result.cpu / plain);
  }
}

}  // namespace

int bench_writers(const Options& options) {
  for (const bool trades_only : {false, true}) {
    const Traffic traffic = coinbase_traffic(options, trades_only);
    const std::string base = options.folder + "/writers";
    std::vector<Result> results;
    results.push_back(sessions(base + ".db", traffic, false));
    results.push_back(sessions(base + "-raw.db", traffic, true));
    results.push_back(zstd_lines(base + ".zst", traffic));
    results.push_back(line_dump(base + ".txt", traffic));
    results.push_back(rows(base + "-rows.db", traffic));
    print(trades_only ? "Coinbase, trades only" : "Coinbase, as captured", traffic, results);
    for (const char* suffix : {".db", "-raw.db", ".zst", ".txt", "-rows.db"}) remove_recording(base + suffix);
  }
  return 0;
}

}  // namespace bixws::bench

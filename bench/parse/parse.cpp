// SPDX-License-Identifier: Apache-2.0
// parse_bench READER CAPTURE [FRAMES]: how fast frames become events, on the core it is started on. One JSON line.
//   bixws:PLUGIN   the dialect and the feed's intake: checked, merged, in batches as they go to the hub
//   dialect:PLUGIN the dialect alone
//   simdjson, poco the same fields of Coinbase frames and nothing else
//   dump           writes the frames to standard output, one a line, for readers in other languages
// CAPTURE is a file below the shared captures, with "#mix" or "#trades" for the Coinbase
// capture in two parts; it is read again and again up to FRAMES.
#include <time.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <set>

#include "feed/intake.h"
#include "readers.h"
#include "support/dialect_run.h"
#include "traffic.h"

namespace bixws::bench {
namespace {

constexpr std::size_t kBurst = 64;  // frames between two batches
constexpr std::size_t kUsual = 600'000;

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

class Counting final : public DeafOut {
 public:
  void trades(const Head&, const Trades& list) noexcept override { tally.trades += list.list.size(); }
  void book(const Head&, const BookUpdate& update) noexcept override {
    tally.levels += update.bids.size() + update.asks.size();
  }
  void trouble(const Trouble& trouble) noexcept override {
    if (trouble.fault != Fault::unknown_kind) ++troubles;
  }
  Tally tally;
  std::uint64_t troubles = 0;
};

/// The symbols that frames name.
class Names final : public DeafOut {
 public:
  void ticker(const Head& head, const Ticker&) noexcept override { ids.emplace(head.symbol); }
  void trades(const Head& head, const Trades&) noexcept override { ids.emplace(head.symbol); }
  void candle(const Head& head, const Candle&) noexcept override { ids.emplace(head.symbol); }
  void book(const Head& head, const BookUpdate&) noexcept override { ids.emplace(head.symbol); }
  std::set<std::string, std::less<>> ids;
};

class NoWishes final : public feed::Intake::Wishes {
  void want_book(feed::Symbol&, std::uint32_t) override {}
  void on_data(feed::Symbol&, Channel, std::uint32_t) override {}
  void on_answer(std::uint32_t, const Answer&, bool) override {}
  void on_leaving(std::uint32_t, Text) override {}
  void on_reconnect(std::uint32_t, Text) override {}
  void on_listing(const Listing&) override {}
  void on_more(Text) override {}
  void on_log(LogLevel, const std::string& text) override { std::fprintf(stderr, "%s\n", text.c_str()); }
};

struct Result {
  Tally tally;
  std::uint64_t events = 0, faults = 0, frames = 0;
  double seconds = 0;
};

/// A feed's intake that reads frames as if they came over one connection.
class Intake {
 public:
  Intake(Dialect& dialect, const std::set<std::string, std::less<>>& ids, const test::Capture& capture)
      : intake_(dialect, "bench", instruments_, wishes_) {
    for (const std::string& id : ids) {
      feed::Symbol& symbol = intake_.add(id, id);
      for (const Channel channel : {Channel::ticker, Channel::trades, Channel::book, Channel::candle}) {
        if ((dialect.traits().channels & channel_bit(channel)) != 0) intake_.want(symbol, channel, true);
      }
    }
    if (dialect.traits().snapshots != SnapshotSource::rest) return;
    for (const std::string& id : ids) {
      const auto* snapshot = capture.rest_with("symbol=" + id);
      if (snapshot == nullptr) continue;
      std::string body = snapshot->body;
      body.append(kFramePadding, '\0');
      intake_.opened(*intake_.find(id), Channel::book, 1, 1);
      intake_.read_snapshot(*intake_.find(id), {body.data(), snapshot->body.size()}, 1);
    }
  }

  void read(const Traffic& traffic, Result& result) {
    for (std::size_t i = 0; i < traffic.size(); ++i) {
      intake_.read(1, traffic.frame(i), static_cast<Micros>(1'700'000'000'000'000 + i));
      if (i % kBurst == kBurst - 1) take(result);
    }
    take(result);
  }
  void finish(Result& result) {
    for (const auto& fault : intake_.figures().faults) result.faults += fault.get();
    result.faults += intake_.figures().gaps.get();
  }

 private:
  void take(Result& result) {
    const auto batch = intake_.take();
    if (!batch) return;
    result.events += batch->size();
    for (const Event& event : batch->events()) {
      if (event.kind == Kind::trades) result.tally.trades += event.trades().list.size();
      if (event.kind == Kind::book) result.tally.levels += event.book().bids.size() + event.book().asks.size();
    }
  }

  Instruments instruments_;
  NoWishes wishes_;
  feed::Intake intake_;
};

std::set<std::string, std::less<>> names_in(Dialect& dialect, const Recording& recording) {
  Names names;
  for (const Traffic* part : {&recording.opening, &recording.body}) {
    for (std::size_t i = 0; i < part->size(); ++i) dialect.read({part->frame(i), 1}, names);
  }
  return std::move(names.ids);
}

/// The recording again and again, up to `count` frames; only its body is timed, for its opening comes once in a day.
Result measure(const std::string& reader, const test::Capture& capture, const Recording& recording, std::size_t count) {
  Result result;
  const auto laps = [&](auto&& open, auto&& read) {
    while (result.frames < count) {
      open();
      const double begin = cpu_seconds();
      read(recording.body);
      result.seconds += cpu_seconds() - begin;
      result.frames += recording.body.size();
    }
  };
  const auto with = [&](auto&& one) {
    return [&one](const Traffic& traffic) {
      for (std::size_t i = 0; i < traffic.size(); ++i) one(traffic.frame(i));
    };
  };
  const std::size_t colon = reader.find(':');
  const std::string kind = reader.substr(0, colon);
  if (kind == "bixws") {
    const auto dialect = test::load_dialect(reader.substr(colon + 1));
    const auto ids = names_in(*dialect, recording);
    std::unique_ptr<Intake> intake;
    laps(
        [&] {
          Result opening;
          if (intake) intake->finish(result);
          intake = std::make_unique<Intake>(*dialect, ids, capture);
          intake->read(recording.opening, opening);
        },
        [&](const Traffic& body) { intake->read(body, result); });
    intake->finish(result);
  } else if (kind == "dialect") {
    const auto dialect = test::load_dialect(reader.substr(colon + 1));
    Counting out;
    const auto one = [&](std::string_view frame) { dialect->read({frame, 1}, out); };
    laps([] {}, with(one));
    result.tally = out.tally;
    result.faults = out.troubles;
  } else if (kind == "simdjson") {
    SimdjsonReader simdjson;
    const auto one = [&](std::string_view frame) { simdjson.read(frame, result.tally); };
    laps([] {}, with(one));
  } else if (kind == "poco") {
    const auto one = [&](std::string_view frame) { PocoReader::read(frame, result.tally); };
    laps([] {}, with(one));
  } else {
    throw std::runtime_error("unknown reader " + reader);
  }
  return result;
}

int run(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr,
                 "usage: parse_bench READER CAPTURE[#mix|#trades] [FRAMES]; see the top of bench/parse/parse.cpp\n");
    return 2;
  }
  const std::string reader = argv[1];
  std::string name = argv[2];
  std::size_t count = kUsual;
  if (argc > 3) std::from_chars(argv[3], argv[3] + std::strlen(argv[3]), count);
  const std::size_t mark = name.find('#');
  const std::string kind = mark == std::string::npos ? "" : name.substr(mark + 1);
  name = name.substr(0, mark);
  const test::Capture capture = test::read_capture(test::capture_path(name));
  const Recording recording = kind == "mix"      ? coinbase_recording(capture, Part::all)
                              : kind == "trades" ? coinbase_recording(capture, Part::trades)
                                                 : as_it_is(capture);
  if (reader == "dump") {
    recording.opening.write("/dev/stdout");
    for (std::size_t written = 0; written < count; written += recording.body.size())
      recording.body.write("/dev/stdout");
    return 0;
  }
  const Result result = measure(reader, capture, recording, count);
  std::printf(
      "{\"reader\":\"%s\",\"frames\":%llu,\"lap\":%zu,\"bytes\":%zu,\"seconds\":%.4f,\"rate\":%.0f,\"trades\":%llu,"
      "\"levels\":%llu,\"events\":%llu,\"faults\":%llu}\n",
      reader.c_str(), static_cast<unsigned long long>(result.frames), recording.body.size(), recording.body.bytes(),
      result.seconds, static_cast<double>(result.frames) / result.seconds,
      static_cast<unsigned long long>(result.tally.trades), static_cast<unsigned long long>(result.tally.levels),
      static_cast<unsigned long long>(result.events), static_cast<unsigned long long>(result.faults));
  return 0;
}

}  // namespace
}  // namespace bixws::bench

int main(int argc, char** argv) try { return bixws::bench::run(argc, argv); } catch (const std::exception& e) {
  std::fprintf(stderr, "parse_bench: %s\n", e.what());
  return 1;
}

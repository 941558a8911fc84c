// SPDX-License-Identifier: Apache-2.0
// A dialect out of its plugin, fed frames by hand through the feed's intake: no socket, no thread, no clock.
#pragma once

#include <bixws/dialect.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "feed/intake.h"
#include "model/batch.h"
#include "model/instruments.h"
#include "support/captures.h"
#include "support/raw_json.h"

namespace bixws::test {

// Where this build's plugins are: beside the folder of the running test program.
std::filesystem::path plugin_directory();
// The dialect of libbixws_feed_<name>.so with its default options, except those given. Throws std::runtime_error.
std::unique_ptr<Dialect> load_dialect(const std::string& name, const std::map<std::string, std::string>& options = {});

// Everything that came out of a dialect, kept in order.
class DialectRun final : private feed::Intake::Wishes {
 public:
  struct Answered {
    Answer answer;
    std::string reason;
    bool refused = false;
  };

  explicit DialectRun(std::unique_ptr<Dialect> dialect, std::string exchange = "test");

  // The exchange's instrument list; every symbol in it becomes known by its canonical name.
  void list(std::string_view body);
  // Asks for these symbols, by the exchange's ids, on all channels of the dialect.
  void want(const std::vector<std::string>& ids);
  // A frame of connection 1.
  void frame(std::string_view text, std::int64_t recv_ts);
  void frame(std::uint32_t connection, std::string_view text, std::int64_t recv_ts);
  feed::Intake::SnapshotOutcome snapshot(std::string_view id, std::string_view body, std::int64_t recv_ts);

  feed::Intake& intake() { return intake_; }
  Dialect& dialect() { return *dialect_; }
  const std::vector<SharedBatch>& batches() const { return batches_; }
  // All events so far, in order.
  std::vector<const Event*> events() const;
  std::vector<const Event*> events(Kind kind) const;
  const std::vector<Answered>& answers() const { return answers_; }
  const std::vector<std::string>& listed() const { return listed_; }
  const std::vector<std::string>& log() const { return log_; }
  const std::vector<std::string>& leaving() const { return leaving_; }
  // Symbols whose book wants a snapshot or a new subscription, in the order they asked.
  std::vector<std::string> wanted_books;
  // Where a subscribe frame is to be looked at.
  std::string request(bool subscribe, Channel channel, const std::vector<std::string>& ids, std::uint64_t id = 1);
  std::string snapshot_path(std::string_view id);

 private:
  void want_book(feed::Symbol& symbol, std::uint32_t connection) override;
  void on_data(feed::Symbol&, Channel, std::uint32_t) override {}
  void on_answer(std::uint32_t connection, const Answer& answer, bool refused) override;
  void on_leaving(std::uint32_t connection, Text why) override;
  void on_reconnect(std::uint32_t connection, Text why) override;
  void on_listing(const Listing& listing) override;
  void on_more(Text cursor) override;
  void on_log(LogLevel level, const std::string& text) override;
  void collect();
  std::string_view padded(std::string_view text);

  std::unique_ptr<Dialect> dialect_;
  Instruments instruments_;
  feed::Intake intake_;
  std::vector<SharedBatch> batches_;
  std::vector<Answered> answers_;
  std::vector<std::string> listed_, log_, leaving_;
  std::map<std::string, std::string> names_;  // id -> canonical
  std::string frame_;
};

}  // namespace bixws::test

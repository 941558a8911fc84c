// SPDX-License-Identifier: Apache-2.0
// Recorder: the hub's listener that writes a recording on a thread of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "hub/hub.h"
#include "model/clock.h"
#include "recording/file_names.h"
#include "recording/session_writer.h"

namespace bixws::recording {

struct RecorderOptions {
  SessionOptions session;
  /// Where it is given, `session.path` is what it says, and the recording goes on in another file when it says so. Each
  /// file begins with the state of the market: none needs the one before it.
  std::optional<FileNames> names;
  std::size_t queue_bytes = std::size_t{64} << 20;
  /// A full queue holds the hub back (and with it the feeds) instead of losing events. Not while the disk fails.
  bool hold_back = false;
  /// With `hold_back`: what waits for the writer's thread, unless that waits for the disk. A flood fills any queue, and
  /// what comes out of a deep one is in no cache any more.
  std::size_t ahead_bytes = std::size_t{8} << 20;
  /// What is received is on the disk 250 ms later: a commit begins this long after the oldest event it holds, and has
  /// the rest of the time to end, on a busy machine too.
  std::chrono::milliseconds commit_interval{100};
  std::uint64_t commit_events = 50'000;
  std::size_t commit_bytes = std::size_t{24} << 20;
  /// While the disk fails, a commit is tried again this often.
  std::chrono::milliseconds retry_interval{1'000};
  /// All are called on the recorder's thread; on_file also once by the constructor.
  std::function<void(const Committed&)> on_commit;
  std::function<void(const std::string& path)> on_file;  ///< what follows goes into this one
  std::function<void(const std::string&)> on_no_file;    ///< why the next one cannot be made; the present one goes on
  std::function<void(const std::string&)> on_problem;    ///< writing began to fail; the text says why
  std::function<void()> on_recovered;
};

/// Made before the hub starts, attached to it, finished after the hub has stopped. Events that do not fit the queue are
/// counted; once there is room they become `gap` events in the recording, followed by fresh snapshots.
class Recorder final : public hub::Listener {
 public:
  struct State {
    bool failing = false;
    std::string problem;               ///< why, while failing
    std::size_t queued_bytes = 0;      ///< waiting for the writer or for the next commit
    std::uint64_t dropped = 0;         ///< events that were not recorded
    std::uint64_t recorded = 0;        ///< events on the disk
    std::chrono::microseconds lag{0};  ///< age of the oldest event that is not on the disk
    std::int64_t session = 0;
  };

  /// Opens the file and begins a session; throws RecordingError.
  Recorder(RecorderOptions options, Instruments& instruments, const Clock& clock);
  ~Recorder() override;

  void on_batch(const SharedBatch& batch, const market::Market& market) override;
  void on_stop() override;

  /// Any thread; waits until all that was queued is on the disk and the session is marked clean. False: it could not be
  /// written, and state() says why. Idempotent.
  bool finish();
  /// Instead of finish(): ends without another commit. With SessionOptions::whole nothing of the session is left.
  void abandon();
  [[nodiscard]] State state() const;

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Item {
    SharedBatch batch;
    Time queued;
  };
  /// What was dropped of one instrument and channel.
  struct Loss {
    const Instrument* instrument = nullptr;
    Channel channel = Channel::none;
    Micros from_ts = 0, to_ts = 0;
    std::int64_t lost = 0;
  };

  [[nodiscard]] std::size_t held_bytes() const { return items_bytes_ + writer_bytes_; }
  [[nodiscard]] bool has_room(std::size_t bytes) const;
  void queue(SharedBatch batch);
  void drop(const EventBatch& batch);
  void add_loss(const Instrument& instrument, Channel channel, Micros recv_ts, std::int64_t lost);
  /// Gaps for all that was dropped, then what is true after it, so that what follows fits.
  [[nodiscard]] SharedBatch make_up(const market::Market* market);

  void run();
  void write(const Item& item);
  [[nodiscard]] Time commit_due() const;
  void set_at_disk(bool waits);
  void commit_if_due(Time now);
  /// False: it failed, and will be tried again.
  bool try_commit(bool last);
  void begin_anew();
  void rotate_if_due();
  /// Returns why it could not be done.
  std::string rotate(Micros time);

  RecorderOptions options_;
  Instruments& instruments_;
  const Clock& clock_;
  std::unique_ptr<SessionWriter> writer_;  // the writer's thread only, once it runs

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable work_, room_;
  std::deque<Item> items_;
  std::size_t items_bytes_ = 0;
  std::size_t writer_bytes_ = 0;
  bool at_disk_ = false;  // the writer waits for it
  bool stopping_ = false;
  bool abandoned_ = false;
  State state_;
  Time uncommitted_since_{};  // when the oldest event the writer holds was queued; zero: it holds none
  Micros last_recv_ts_ = 0;
  bool dropping_ = false;
  bool all_lost_ = false;  // not only what losses_ names
  std::vector<Loss> losses_;

  Time committed_at_{}, next_try_{}, next_rotation_{};  // the writer's thread only; when the last commit ended
  bool rotation_fails_ = false;                         // likewise
  bool finished_ = false;
  std::once_flag joined_;
  std::thread thread_;
};

}  // namespace bixws::recording

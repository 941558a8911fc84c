// SPDX-License-Identifier: Apache-2.0
// File: rows behind rows.
#include "file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <vector>

#include "model/time_text.h"

namespace bixws::csv {
namespace {

constexpr std::size_t kTail = 4096;       // more than three rows
constexpr std::size_t kStateSize = 1024;  // one write, padded, so that it is never half old and half new
constexpr std::string_view kStateMark = "bixws-csv-1";

std::string trouble(const std::string& path) { return path + ": " + std::strerror(errno); }

std::string sum_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return std::to_string(hash);
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) break;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return lines;
}

/// The time a line of the file begins with; 0: it is none of ours.
Micros time_of(std::string_view line) { return parse_rfc3339(line.substr(0, line.find(','))).value_or(0); }

}  // namespace

std::string File::open(const std::string& path) {
  forget();
  path_ = path;
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0) return trouble(path);
  const std::size_t slash = path.rfind('/');
  const std::string state_path = path.substr(0, slash + 1) + "." + path.substr(slash + 1) + ".state";
  state_fd_ = ::open(state_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (state_fd_ < 0) return trouble(state_path);
  read_state();
  bool begun = false;
  if (std::string problem = read_rows(begun); !problem.empty()) return problem;
  if (begun) return {};
  end_ = static_cast<off_t>(kHeader.size());
  return write(fd_, 0, kHeader);
}

void File::close() {
  for (int* fd : {&fd_, &state_fd_}) {
    if (*fd >= 0) ::close(*fd);
    *fd = -1;
  }
}

/// The next file knows nothing of this one's rows.
void File::forget() {
  previous_ = current_ = part_ = {};
  last_recv_ts_ = known_until_ = floor_ = 0;
  at_last_ = known_at_ = 0;
  changed_ = finished_ = false;
}

/// Finds where the rows that still grow begin; they are written anew from the state. An unfinished line is cut off.
std::string File::read_rows(bool& begun) {
  const off_t size = ::lseek(fd_, 0, SEEK_END);
  const off_t from = size > static_cast<off_t>(kTail) ? size - static_cast<off_t>(kTail) : 0;
  std::string tail(static_cast<std::size_t>(size - from), '\0');
  if (::pread(fd_, tail.data(), tail.size(), from) != static_cast<ssize_t>(tail.size())) return trouble(path_);
  const std::size_t last_end = tail.rfind('\n');
  if (last_end == std::string::npos) return {};
  begun = true;
  tail.resize(last_end + 1);
  end_ = from + static_cast<off_t>(tail.size());
  const Micros growing = previous_.open_ts != 0 ? previous_.open_ts : current_.open_ts;
  auto lines = lines_of(tail);
  Micros newest = 0;
  while (!lines.empty() && lines.back() != kHeader.substr(0, kHeader.size() - 1)) {
    const Micros time = time_of(lines.back());
    if (newest == 0) newest = time;
    if (growing == 0 || time < growing) break;
    end_ -= static_cast<off_t>(lines.back().size() + 1);
    lines.pop_back();
  }
  if (growing == 0 && newest != 0) {
    // A file without its state, as one copied from elsewhere: its last row is finished.
    floor_ = newest;
  }
  changed_ = growing != 0;
  return keep();
}

void File::read_state() {
  std::string text(kStateSize, '\0');
  const ssize_t count = ::pread(state_fd_, text.data(), text.size(), 0);
  if (count <= 0) return;
  text.resize(static_cast<std::size_t>(count));
  const auto lines = lines_of(text);
  if (lines.size() != 7 || lines[0] != kStateMark) return;
  const std::size_t body = text.rfind(std::string(lines[6]));
  if (sum_of(std::string_view(text).substr(0, body)) != lines[6]) return;
  Row previous;
  Row current;
  Row part;
  if (!previous.parse_state(lines[1]) || !current.parse_state(lines[2]) || !part.parse_state(lines[3])) return;
  std::from_chars(lines[4].data(), lines[4].data() + lines[4].size(), known_until_);
  std::from_chars(lines[5].data(), lines[5].data() + lines[5].size(), known_at_);
  previous_ = previous;
  current_ = current;
  part_ = part;
  last_recv_ts_ = known_until_;
  at_last_ = known_at_;
}

std::string File::write_state() const {
  std::string text = std::string(kStateMark) + "\n";
  for (const Row* row : {&previous_, &current_, &part_}) text += row->state() + "\n";
  text += std::to_string(last_recv_ts_) + "\n" + std::to_string(at_last_) + "\n";
  text += sum_of(text) + "\n";
  text.resize(kStateSize, ' ');
  return write(state_fd_, 0, text);
}

/// A replay that begins anew gives again what the rows already hold.
bool File::is_known(Micros recv_ts) {
  if (recv_ts < known_until_) return true;
  if (recv_ts == known_until_ && known_at_ > 0) {
    --known_at_;
    return true;
  }
  return false;
}

void File::count(Micros recv_ts) {
  changed_ = true;
  if (recv_ts > last_recv_ts_) {
    last_recv_ts_ = recv_ts;
    at_last_ = 1;
  } else if (recv_ts == last_recv_ts_) {
    ++at_last_;
  }
}

std::string File::begin_row(Micros open_ts) {
  if (part_.close.has_value()) current_.extend(part_);
  part_ = {};
  if (previous_.close.has_value()) {
    if (std::string problem = keep(); !problem.empty()) return problem;
    end_ += static_cast<off_t>(previous_.text().size());
    finished_ = true;
  }
  previous_ = current_.close.has_value() ? current_ : Row{};
  current_ = {};
  current_.open_ts = open_ts;
  return {};
}

std::string File::add(const Trade& trade, Micros open_ts, Micros recv_ts) {
  if (is_known(recv_ts)) return {};
  if (open_ts > current_.open_ts && open_ts > floor_) {
    if (std::string problem = begin_row(open_ts); !problem.empty()) return problem;
  }
  count(recv_ts);
  // Exchanges' times are not quite in order: a trade may belong to the row before.
  if (open_ts == current_.open_ts) {
    current_.add(trade);
  } else if (open_ts == previous_.open_ts && previous_.close.has_value()) {
    previous_.add(trade);
  } else {
    ++late_;
  }
  return {};
}

std::string File::add(const Candle& candle, Micros open_ts, Micros recv_ts) {
  if (is_known(recv_ts)) return {};
  const bool late = open_ts < current_.open_ts || open_ts <= floor_;
  if (!late && open_ts > current_.open_ts) {
    if (std::string problem = begin_row(open_ts); !problem.empty()) return problem;
  }
  count(recv_ts);
  if (late) return {};
  if (part_.close.has_value() && candle.open_ts != part_.open_ts) {
    if (candle.open_ts < part_.open_ts) return {};
    current_.extend(part_);
  }
  part_ = {candle.open_ts, candle.open, candle.high, candle.low, candle.close, candle.volume, {}, 0};
  return {};
}

std::string File::keep() {
  if (!changed_) return {};
  changed_ = false;
  // The state first: what the file shows is never newer than what a restart knows.
  if (std::string problem = write_state(); !problem.empty()) return problem;
  std::string text;
  if (previous_.close.has_value()) text += previous_.text();
  Row whole = current_;
  if (part_.close.has_value()) whole.extend(part_);
  if (whole.close.has_value()) text += whole.text();
  // One call, so that a reader never sees half a row; then what stood behind it goes.
  if (std::string problem = write(fd_, end_, text); !problem.empty()) return problem;
  if (::ftruncate(fd_, end_ + static_cast<off_t>(text.size())) != 0) return trouble(path_);
  return {};
}

std::string File::write(int fd, off_t at, std::string_view text) const {
  const ssize_t written = ::pwrite(fd, text.data(), text.size(), at);
  if (written == static_cast<ssize_t>(text.size())) return {};
  return written < 0 ? trouble(path_) : path_ + ": the disk is full";
}

std::uint64_t File::take_late() {
  const std::uint64_t count = late_;
  late_ = 0;
  return count;
}

bool File::take_finished() {
  const bool finished = finished_;
  finished_ = false;
  return finished;
}

}  // namespace bixws::csv

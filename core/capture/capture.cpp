// SPDX-License-Identifier: Apache-2.0
// Capture: the two file formats, and files merged by time.
#include "capture/capture.h"

#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <system_error>

namespace bixws::capture {
namespace {

// A frame this long is a broken file.
constexpr std::size_t kMostFrame = std::size_t{256} << 20;
// A clock that counts from boot is far below any time since 1970: before 2001 in nanoseconds.
constexpr std::int64_t kEarliestNs = 1'000'000'000'000'000'000;

std::string reason() { return std::generic_category().message(errno); }

template <typename Number>
bool parse_all(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

/// "1633998512.0633569" in microseconds, digit by digit: no binary floating point.
std::optional<Micros> parse_seconds(std::string_view text) {
  const std::size_t dot = text.find('.');
  std::int64_t seconds = 0;
  if (!parse_all(text.substr(0, dot), seconds) || seconds < 0 || seconds > 10'000'000'000) return std::nullopt;
  std::string fraction(dot == std::string_view::npos ? "0" : text.substr(dot + 1));
  if (fraction.empty() || fraction.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  fraction.resize(6, '0');
  std::int64_t micros = 0;
  parse_all(std::string_view(fraction), micros);
  return seconds * 1'000'000 + micros;
}

class CryptofeedSource final : public Source {
 public:
  explicit CryptofeedSource(const std::string& path) : lines_(path) {}

  bool next(Record& record) override {
    while (lines_.next(line_)) {
      if (line_.empty() || line_.starts_with("configuration: ")) continue;
      read(record);
      return true;
    }
    return false;
  }
  [[nodiscard]] std::uint64_t position() const override { return lines_.position(); }

 private:
  void read(Record& record) {
    std::string_view line = line_;
    record.url.clear();
    record.direction = RawFrame::Direction::received;
    if (line.starts_with("ws://") || line.starts_with("wss://") || line.starts_with("http://") ||
        line.starts_with("https://")) {
      const std::size_t space = line.find(' ');
      if (space == std::string_view::npos) lines_.fail("a URL, and nothing about it");
      record.url = line.substr(0, space);
      line.remove_prefix(space + 1);
      if (line.starts_with("<-> ")) {
        const auto at = parse_seconds(line.substr(4));
        if (!at) lines_.fail("a connect without a time");
        record.at = *at;
        record.direction = RawFrame::Direction::connected;
        record.bytes.clear();
        return;
      }
      if (line.starts_with("<- ")) {
        record.direction = RawFrame::Direction::sent;
        record.url.clear();
      } else if (line.starts_with("-> ")) {
        record.direction = RawFrame::Direction::rest;
      } else {
        lines_.fail("neither a connect, nor a request, nor an answer");
      }
      line.remove_prefix(line.find(' ') + 1);
    }
    const std::size_t colon = line.find(": ");
    const auto at = colon == std::string_view::npos ? std::nullopt : parse_seconds(line.substr(0, colon));
    if (!at) lines_.fail("not a line of a cryptofeed dump, which begins with a time in seconds or a URL");
    record.at = *at;
    record.bytes = line.substr(colon + 2);
  }

  Lines lines_;
  std::string line_;
};

class CbcapSource final : public Source {
 public:
  explicit CbcapSource(const std::string& path) : lines_(path) {
    std::string head;
    if (!lines_.next(head) || !head.starts_with("CBCAP1 ")) lines_.fail("no CBCAP1 header");
    if (!parse_all(std::string_view(head).substr(head.rfind(' ') + 1), start_ns_)) {
      lines_.fail("the header does not end with the time of the start");
    }
  }

  bool next(Record& record) override {
    do {
      if (!lines_.next(line_)) return false;
    } while (line_.empty());
    const std::size_t space = line_.find(' ');
    std::int64_t time_ns = 0;
    std::size_t size = 0;
    const std::string_view line = line_;
    if (space == std::string::npos || !parse_all(line.substr(0, space), time_ns) ||
        !parse_all(line.substr(space + 1), size) || size > kMostFrame) {
      lines_.fail("not the head of a frame, which is a time in nanoseconds and a length");
    }
    if (!lines_.bytes(record.bytes, size)) lines_.fail("the frame is cut short");
    if (!shift_ns_) shift_ns_ = time_ns < kEarliestNs ? start_ns_ - time_ns : 0;
    record.at = (time_ns + *shift_ns_) / 1000;
    record.direction = RawFrame::Direction::received;
    record.url.clear();
    return true;
  }
  [[nodiscard]] std::uint64_t position() const override { return lines_.position(); }

 private:
  Lines lines_;
  std::string line_;
  std::int64_t start_ns_ = 0;
  std::optional<std::int64_t> shift_ns_;
};

std::unique_ptr<Source> open_source(const std::string& path, Format format) {
  if (format == Format::cbcap) return std::make_unique<CbcapSource>(path);
  return std::make_unique<CryptofeedSource>(path);
}

}  // namespace

struct Lines::File {
  std::FILE* handle = nullptr;
  char* buffer = nullptr;
  std::size_t capacity = 0;
};

Lines::Lines(const std::string& path) : path_(path), file_(std::make_unique<File>()) {
  file_->handle = std::fopen(path.c_str(), "rbe");
  if (file_->handle == nullptr) throw CaptureError(path + ": cannot open: " + reason());
}

Lines::~Lines() {
  std::free(file_->buffer);
  std::fclose(file_->handle);
}

bool Lines::next(std::string& line) {
  errno = 0;
  const ssize_t size = ::getline(&file_->buffer, &file_->capacity, file_->handle);
  if (size < 0) {
    if (std::ferror(file_->handle) != 0) throw CaptureError(path_ + ": cannot read: " + reason());
    return false;
  }
  ++number_;
  position_ += static_cast<std::uint64_t>(size);
  std::string_view text(file_->buffer, static_cast<std::size_t>(size));
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  line.assign(text);
  return true;
}

bool Lines::bytes(std::string& into, std::size_t count) {
  into.resize(count);
  const std::size_t read = std::fread(into.data(), 1, count, file_->handle);
  if (std::ferror(file_->handle) != 0) throw CaptureError(path_ + ": cannot read: " + reason());
  position_ += read;
  return read == count;
}

void Lines::fail(std::string_view what) const {
  throw CaptureError(path_ + ":" + std::to_string(number_) + ": " + std::string(what));
}

std::uint64_t size_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) throw CaptureError(path + ": cannot open: " + reason());
  if (S_ISDIR(status.st_mode)) throw CaptureError(path + ": cannot read: it is a directory; name the files in it");
  // Whoever waits for a pipe cannot be interrupted, and nobody knows how long it will be.
  if (!S_ISREG(status.st_mode)) throw CaptureError(path + ": cannot read: it is no plain file");
  return static_cast<std::uint64_t>(status.st_size);
}

Format guess_format(const std::string& path) {
  size_of(path);
  Lines lines(path);
  std::string head;
  if (!lines.next(head)) return Format::cryptofeed;
  if (head.starts_with("CBCAP1 ")) return Format::cbcap;
  return head.starts_with('{') ? Format::messages : Format::cryptofeed;
}

struct Capture::Lane {
  std::unique_ptr<Source> source;
  Record head;
  bool full = false;
  std::uint32_t connection = 0;  // of what comes next; 0: none yet
};

Capture::Capture(const std::vector<std::string>& paths, Format format) {
  for (const std::string& path : paths) {
    total_bytes_ += size_of(path);
    auto lane = std::make_unique<Lane>();
    lane->source = open_source(path, format);
    lanes_.push_back(std::move(lane));
  }
}

Capture::~Capture() = default;

bool Capture::fill(Lane& lane) {
  if (!lane.full) lane.full = lane.source->next(lane.head);
  return lane.full;
}

bool Capture::next(Record& record) {
  Lane* first = nullptr;
  for (const auto& lane : lanes_) {
    if (fill(*lane) && (first == nullptr || lane->head.at < first->head.at)) first = lane.get();
  }
  if (first == nullptr) return false;
  using Direction = RawFrame::Direction;
  if (first->head.direction == Direction::rest) {
    record = std::move(first->head);
    record.connection = 0;
    first->full = false;
    return true;
  }
  if (first->head.direction != Direction::connected && first->connection == 0) {
    first->connection = ++connections_;
    record = {first->head.at, Direction::connected, first->connection, {}, {}};
    return true;
  }
  if (first->head.direction == Direction::connected) first->connection = ++connections_;
  record = std::move(first->head);
  record.connection = first->connection;
  first->full = false;
  return true;
}

double Capture::share() const {
  std::uint64_t read = 0;
  for (const auto& lane : lanes_) read += lane->source->position();
  return total_bytes_ == 0 ? 1 : static_cast<double>(read) / static_cast<double>(total_bytes_);
}

}  // namespace bixws::capture

// SPDX-License-Identifier: Apache-2.0
// MessageLog: chunks in a deque; the last one may still be growing.
#include "server/audience.h"

#include <algorithm>

namespace bixws::server {
namespace {
constexpr std::size_t kWorthKeeping = 1U << 20;  // larger buffers go back to the system
}

std::uint64_t piece_end(const LogChunk& chunk, std::uint64_t position, std::size_t messages) {
  const auto offset = static_cast<std::uint32_t>(position - chunk.begin);
  const auto next = std::upper_bound(chunk.entries.begin(), chunk.entries.end(), offset,
                                     [](std::uint32_t o, const LogEntry& e) { return o < e.end; });
  const auto left = static_cast<std::size_t>(chunk.entries.end() - next);
  return chunk.begin + (next + static_cast<std::ptrdiff_t>(std::min(messages, left)) - 1)->end;
}

void MessageLog::append(std::string_view frame, const LogEntry& entry) {
  if (!open_) {
    LogChunk& chunk = chunks_.emplace_back(std::move(spare_));
    spare_ = LogChunk{};
    chunk.bytes.clear();
    chunk.entries.clear();
    chunk.begin = end_;
    open_ = true;
  }
  LogChunk& chunk = chunks_.back();
  chunk.bytes.raw(frame);
  chunk.entries.push_back(entry);
  chunk.entries.back().end = static_cast<std::uint32_t>(chunk.bytes.size());
  end_ += frame.size();
  largest_ = std::max(largest_, frame.size());
}

const LogChunk& MessageLog::seal() {
  open_ = false;
  return chunks_.back();
}

const LogChunk& MessageLog::at(std::uint64_t position) const {
  const auto after = std::upper_bound(chunks_.begin(), chunks_.end(), position,
                                      [](std::uint64_t p, const LogChunk& chunk) { return p < chunk.begin; });
  return *(after - 1);
}

std::uint64_t MessageLog::boundary(std::uint64_t position) const {
  if (position >= end_ || position <= begin()) return position;
  const LogChunk& chunk = at(position);
  const auto offset = static_cast<std::uint32_t>(position - chunk.begin);
  if (offset == 0) return position;
  const auto entry = std::lower_bound(chunk.entries.begin(), chunk.entries.end(), offset,
                                      [](const LogEntry& e, std::uint32_t o) { return e.end < o; });
  return chunk.begin + entry->end;
}

std::uint64_t MessageLog::tickers_before(std::uint64_t position) const {
  std::uint64_t newest = trimmed_tickers_;
  walk(begin(), position, [&newest](const LogEntry& entry, std::string_view) {
    if (entry.tickers) newest = entry.seq;
  });
  return newest;
}

bool MessageLog::epoch_after(std::uint64_t position) const {
  bool found = false;
  walk(position, end_, [&found](const LogEntry& entry, std::string_view) { found = found || entry.epoch; });
  return found;
}

void MessageLog::note(const LogChunk& chunk) {
  for (const LogEntry& entry : chunk.entries) {
    if (entry.epoch) {
      ++trimmed_epochs_;
      trimmed_.clear();
      trimmed_tickers_ = 0;
    }
    if (entry.tickers) trimmed_tickers_ = entry.seq;
    if (entry.topic == nullptr || entry.seq == 0) continue;
    if (entry.topic->id >= trimmed_.size()) trimmed_.resize(entry.topic->id + 1);
    Trimmed& trimmed = trimmed_[entry.topic->id];
    if (trimmed.first == 0) trimmed.first = entry.seq;
    trimmed.last = entry.seq;
    trimmed.recv_ts = entry.recv_ts;
  }
}

void MessageLog::trim_front() {
  note(chunks_.front());
  if (chunks_.front().bytes.size() <= kWorthKeeping) spare_ = std::move(chunks_.front());
  chunks_.pop_front();
  if (chunks_.empty()) largest_ = 0;
}

void MessageLog::trim_all() {
  while (chunks_.size() > (open_ ? 1U : 0U)) trim_front();
}

}  // namespace bixws::server

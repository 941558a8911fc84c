// SPDX-License-Identifier: Apache-2.0
// MessageFile: what a server told one client becomes what happened.
#include "capture/message_file.h"

#include <algorithm>

namespace bixws::capture {

MessageFile::MessageFile(const std::vector<std::string>& paths, Instruments& instruments) : parser_(instruments) {
  for (const std::string& path : paths) {
    total_bytes_ += size_of(path);
    files_.push_back(std::make_unique<Lines>(path));
  }
}

bool MessageFile::next(EventBatch& into) {
  const std::size_t first = into.size();
  while (at_ < files_.size()) {
    Lines& lines = *files_[at_];
    if (!lines.next(line_)) {
      ++at_;
      continue;
    }
    if (line_.find_first_not_of(" \t") == std::string::npos) continue;
    const ParsedMessage message = parser_.parse(line_, into);
    if (!message.problem.empty()) {
      into.truncate(first);
      // About a replay as a whole, and so of no exchange.
      if (message.type == MessageType::status) continue;
      lines.fail("not a message of bixws: " + message.problem);
    }
    // What a server computed itself is no event of what it served.
    if (message.type == MessageType::candle && line_.find("\"derived\":true") != std::string::npos) {
      into.truncate(first);
    }
    keep_session_events(message, into, first);
    if (into.size() > first) return true;
  }
  return false;
}

void MessageFile::keep_session_events(const ParsedMessage& message, EventBatch& batch, std::size_t first) {
  auto events = batch.events().subspan(first);
  if (message.type == MessageType::initial_data) {
    // A client that came back is told again what it knew.
    const auto end = std::remove_if(events.begin(), events.end(), [this](const Event& event) {
      const auto known = tickers_.find(event.instrument->id);
      return event.kind == Kind::ticker && known != tickers_.end() && event.recv_ts <= known->second;
    });
    batch.truncate(first + static_cast<std::size_t>(end - events.begin()));
    events = batch.events().subspan(first);
  }
  for (Event& event : events) {
    if (event.recv_ts == 0) event.recv_ts = newest_;
    newest_ = std::max(newest_, event.recv_ts);
    if (event.kind == Kind::ticker) tickers_[event.instrument->id] = event.recv_ts;
    if (event.kind == Kind::gap && event.gap().client) {
      // What that client lost, this recording lacks for good.
      Gap gap = event.gap();
      gap.client = false;
      event.body = batch.arena().make(gap);
    }
  }
}

double MessageFile::share() const {
  std::uint64_t read = 0;
  for (const auto& file : files_) read += file->position();
  return total_bytes_ == 0 ? 1 : static_cast<double>(read) / static_cast<double>(total_bytes_);
}

}  // namespace bixws::capture

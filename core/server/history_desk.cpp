// SPDX-License-Identifier: Apache-2.0
// HistoryDesk: what the recording has, then what memory has after it.
#include "server/history_desk.h"

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

#include "model/event_json.h"
#include "server/replies.h"

namespace bixws::server {
namespace {

/// Events of both pages that the query asks for, at most `limit`, oldest first.
std::vector<const Event*> chosen(const HistoryJob& job, const HistoryPage& older, bool& more) {
  std::vector<const Event*> list;
  for (const Event& event : std::as_const(*older.events).events()) list.push_back(&event);
  const bool cut = job.query.forward && older.more;  // what memory has does not follow at once
  for (const Event& event : std::as_const(*job.recent.events).events()) {
    // What both have is the recording's.
    if (!cut && (older.events->empty() || history_time(event) > job.floor)) list.push_back(&event);
  }
  more = older.more || job.recent.more || list.size() > job.query.limit;
  if (list.size() <= job.query.limit) return list;
  if (job.query.forward) {
    list.resize(job.query.limit);
  } else {
    list.erase(list.begin(), list.end() - static_cast<std::ptrdiff_t>(job.query.limit));
  }
  return list;
}

}  // namespace

HistoryDesk::HistoryDesk(HistorySource source, Deliver deliver, Log log)
    : source_(std::move(source)), deliver_(std::move(deliver)), log_(std::move(log)), thread_([this] { run(); }) {}

HistoryDesk::~HistoryDesk() { stop(); }

void HistoryDesk::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_.store(true, std::memory_order_relaxed);
    jobs_.clear();
  }
  work_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool HistoryDesk::ask(HistoryJob job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_.load(std::memory_order_relaxed)) return false;
    const auto own = std::count_if(jobs_.begin(), jobs_.end(),
                                   [&](const HistoryJob& waiting) { return waiting.client == job.client; });
    if (jobs_.size() >= kMostWaiting || static_cast<std::size_t>(own) >= kMostOfOne) return false;
    jobs_.push_back(std::move(job));
  }
  work_.notify_one();
  return true;
}

void HistoryDesk::run() {
  for (;;) {
    HistoryJob job;
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [this] { return stopping_.load(std::memory_order_relaxed) || !jobs_.empty(); });
      if (stopping_.load(std::memory_order_relaxed)) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job.query.cancelled = &stopping_;
    std::string payload = answer(job);
    const Deliver& deliver = job.deliver ? job.deliver : deliver_;
    if (!stopping_.load(std::memory_order_relaxed)) deliver(job.client, std::move(payload));
  }
}

std::string HistoryDesk::answer(HistoryJob& job) {
  HistoryPage older;
  HistoryQuery below = job.query;
  if (job.floor != INT64_MAX) below.to = std::min(below.to, job.floor + 1);
  // The last of these books is in memory: the first must not be cut off, for the others change it.
  if (below.channel == Channel::book && !below.forward) below.limit -= std::min(below.limit, job.recent.size());
  const bool enough = below.limit == 0 || (!job.query.forward && job.recent.size() > job.query.limit);
  const HistorySource& source = job.source ? job.source : source_;
  older.more = source && below.limit == 0;
  if (source && below.from < below.to && !enough) {
    try {
      older = source(below);
    } catch (const std::exception& error) {
      log_(std::string("history: ") + error.what());
      older.more = true;  // memory alone is not all there is
    }
  }
  bool more = false;
  const std::vector<const Event*> items = chosen(job, older, more);
  TextBuffer out;
  append_history(out, {job.id,
                       job.query.instrument->exchange,
                       job.label,
                       {job.query.channel, static_cast<std::uint32_t>(job.query.seconds)},
                       items,
                       more});
  return out.str();
}

}  // namespace bixws::server

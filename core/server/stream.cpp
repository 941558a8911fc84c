// SPDX-License-Identifier: Apache-2.0
// Streams: the pipe between the thread that makes text and the loop that sends it.
#include "server/stream.h"

#include <utility>

namespace bixws::server {
namespace {
constexpr std::size_t kAhead = std::size_t{1} << 20;  // bytes made and not yet taken
}

class Streams::Pipe {
 public:
  explicit Pipe(std::function<void()> wake) : wake_(std::move(wake)) {}

  /// The maker's thread.
  bool write(std::string_view text) {
    {
      std::unique_lock lock(mutex_);
      room_.wait(lock, [this] { return cancelled_ || bytes_ < kAhead; });
      if (cancelled_) return false;
      pieces_.emplace_back(text);
      bytes_ += text.size();
      if (!std::exchange(waited_for_, false)) return true;
    }
    wake_();
    return true;
  }
  void finish(bool whole) {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      whole_ = whole;
    }
    wake_();
  }

  /// The loop's thread.
  net::HttpBody::Fill fill(std::string& out) {
    const std::lock_guard lock(mutex_);
    if (pieces_.empty()) {
      if (ended_) return whole_ ? net::HttpBody::Fill::done : net::HttpBody::Fill::failed;
      waited_for_ = true;
      return net::HttpBody::Fill::wait;
    }
    out = std::move(pieces_.front());
    pieces_.pop_front();
    bytes_ -= out.size();
    room_.notify_one();
    return net::HttpBody::Fill::more;
  }
  void cancel() {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    room_.notify_one();
  }

 private:
  std::function<void()> wake_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::deque<std::string> pieces_;
  std::size_t bytes_ = 0;
  bool waited_for_ = false;
  bool ended_ = false, whole_ = false;
  bool cancelled_ = false;
};

/// Its end is the client's end.
class Streams::Body final : public net::HttpBody {
 public:
  explicit Body(std::shared_ptr<Pipe> pipe) : pipe_(std::move(pipe)) {}
  ~Body() override { pipe_->cancel(); }
  Fill fill(std::string& out) override { return pipe_->fill(out); }

 private:
  std::shared_ptr<Pipe> pipe_;
};

void Streams::answer(net::HttpSession& session, StreamPlanner planner) {
  if (streams_.size() >= kMost) {
    net::HttpResponse busy;
    busy.status = 503;
    busy.body = "too many streams at a time; try again when one has ended\n";
    return session.respond(busy);
  }
  const std::uint64_t number = next_++;
  const std::uint64_t id = session.id();
  // A wake-up that finds its session gone does nothing.
  auto pipe = std::make_shared<Pipe>([this, id, alive = alive_] {
    loop_.post([this, id, alive] {
      if (!*alive) return;
      if (net::HttpSession* waiting = http_.find(id)) waiting->resume();
    });
  });
  Stream& stream = streams_[number];
  stream.pipe = pipe;
  stream.thread =
      std::thread([this, number, id, pipe, planner = std::move(planner)] { run(number, id, pipe, planner); });
}

void Streams::run(std::uint64_t number, std::uint64_t session, const std::shared_ptr<Pipe>& pipe,
                  const StreamPlanner& planner) {
  auto found = planner();
  const auto* plan = std::get_if<StreamPlan>(&found);
  net::HttpResponse head;
  if (const auto* refusal = std::get_if<StreamRefusal>(&found)) {
    head.status = refusal->status;
    head.body = refusal->text + "\n";
  } else {
    head.type = plan->type;
  }
  head.headers.add("Cache-Control", "no-store");
  head.headers.add("X-Content-Type-Options", "nosniff");
  loop_.post([this, session, pipe, head = std::move(head), streams = plan != nullptr, alive = alive_] {
    if (!*alive) return;
    net::HttpSession* waiting = http_.find(session);
    if (waiting == nullptr) return pipe->cancel();
    if (!streams) return waiting->respond(head);
    waiting->respond_with(head, std::make_unique<Body>(pipe));
  });
  if (plan != nullptr) {
    const std::string broken = plan->make([&pipe](std::string_view text) { return pipe->write(text); });
    if (!broken.empty() && log_) log_("stream: " + broken);
    pipe->finish(broken.empty());
  }
  loop_.post([this, number, alive = alive_] {
    if (*alive) ended(number);
  });
}

void Streams::ended(std::uint64_t number) {
  const auto found = streams_.find(number);
  if (found == streams_.end()) return;
  found->second.thread.join();
  streams_.erase(found);
}

void Streams::stop() {
  for (auto& [number, stream] : streams_) stream.pipe->cancel();
  for (auto& [number, stream] : streams_) stream.thread.join();
  streams_.clear();
  *alive_ = false;
}

}  // namespace bixws::server

// SPDX-License-Identifier: Apache-2.0
// sink_nats: everything to a NATS broker, as JSON under PREFIX.exchange.SYMBOL.channel, numbered so that edges go on
// where others are; with stream= kept there by JetStream. A broker that is slow or gone costs messages and nothing
// else.
#include <bixws/describe.h>
#include <bixws/numbers.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <exception>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "nats/envelope.h"
#include "nats/link.h"
#include "nats/outbox.h"
#include "nats/publication.h"
#include "nats/stream.h"

namespace bixws::nats {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr Option kOptions[] = {
    kUrl,
    kPrefix,
    {"stream", OptionType::string, "", "JetStream stream that keeps everything; made if it is not there"},
    {"keep", OptionType::duration, "168h", "how long a stream made here keeps messages"},
    {"keep_bytes", OptionType::integer, "0", "and how many bytes at most; 0: what the broker allows"},
    {"in_flight", OptionType::integer, "4096", "messages that may wait for the stream's acknowledgement"},
    {"queue", OptionType::integer, "64", "MiB that wait while the broker is slow or gone; then the oldest are dropped"},
    {"linger", OptionType::duration, "2s", "at the end, what still waits gets so long"},
    kUser,
    kPassword,
    kToken,
    kNkey,
    kSeed,
    kCreds,
    kCa,
    kCert,
    kKey,
    kInsecure,
};

constexpr milliseconds kAcknowledgedWithin{3'000};  // or everything in flight is sent again
constexpr milliseconds kTryStreamEvery{1'000};
constexpr milliseconds kConnectEvery{250};
constexpr milliseconds kRoomWithin{10'000};  // a recording being played waits so long for a broker, and then goes on
constexpr int kMostQuestions = 1 << 20;      // bytes of them that wait

struct Plan {
  StreamPlan stream;
  std::size_t queue_bytes = 0, in_flight = 0;
  milliseconds linger{};
};

class NatsSink final : public Sink {
 public:
  NatsSink(Access access, Plan plan)
      : access_(std::move(access)),
        plan_(std::move(plan)),
        publication_(access_.prefix()),
        outbox_(plan_.queue_bytes, durable() ? plan_.in_flight : 0) {}

  int open(Host& host) noexcept override try {
    host_ = &static_cast<NumberedHost&>(host);  // kPassesNumbersOn
    for (const char* name : {"published", "dropped", "acknowledged", "repeated", "refused", "answers"})
      host.count(name, 0);
    publication_.set_plain_exchange(host_->plain_exchange());
    inbox_ = make_inbox();
    writer_ = std::thread([this] { write(); });
    return 0;
  } catch (const std::exception& e) {
    return fail(e.what());
  }

  int consume(const Event* events, std::size_t count) noexcept override try {
    std::size_t dropped = 0;
    {
      std::unique_lock lock(mutex_);
      if (host_->held_back()) {
        room_.wait_for(lock, kRoomWithin, [this] { return over_ || outbox_.bytes() < plan_.queue_bytes / 2; });
      }
      if (over_) return 1;
      if (publication_.epoch() != host_->epoch()) publication_.begin_epoch(host_->epoch());
      for (std::size_t i = 0; i < count; ++i) {
        const Event& event = events[i];
        if (event.kind == Kind::gap && event.gap().client) publication_.note_loss(*event.instrument);
        const Publication::Message message = publication_.publish(event);
        if (message.subject.empty()) continue;
        Outgoing outgoing{std::string(message.subject), std::string(message.payload), {}, {}};
        if (durable()) outgoing.id = id_of(message);
        dropped += outbox_.push(std::move(outgoing));
      }
    }
    changed_.notify_one();
    note_dropped(dropped);
    return 0;
  } catch (const std::exception& e) {
    return fail(e.what());
  }

  int flush() noexcept override { return 0; }

  void close() noexcept override {
    {
      const std::lock_guard lock(mutex_);
      closing_until_ = steady_clock::now() + plan_.linger;
      closing_ = true;
    }
    changed_.notify_one();
    if (writer_.joinable()) writer_.join();
    const std::lock_guard lock(mutex_);
    if (const std::size_t left = outbox_.waiting() + outbox_.in_flight(); left > 0) {
      host_->log(LogLevel::warning, std::to_string(left) + " messages did not reach the broker");
    }
  }

 private:
  [[nodiscard]] bool durable() const { return !plan_.stream.name.empty(); }

  int fail(const std::string& why) {
    host_->log(LogLevel::error, why);
    return 1;
  }

  static std::string make_inbox() {
    natsInbox* made = nullptr;
    check(natsInbox_Create(&made), "inbox");
    std::string inbox = made;
    natsInbox_Destroy(made);
    return inbox;
  }

  /// The same for the same message, whoever publishes it and however often.
  [[nodiscard]] std::string id_of(const Publication::Message& message) const {
    return std::string(publication_.epoch()) + ':' + std::string(message.subject) + ':' + std::to_string(message.n);
  }

  /// Of a link that is over when it is lost: one that came back by itself could send what is new before what was in
  /// flight is sent again, and a stream keeps the order in which it gets them.
  Link::Callbacks callbacks() {
    Link::Callbacks callbacks;
    callbacks.up = [] {};
    callbacks.down = [](const std::string&) {};
    callbacks.over = [this](const std::string& why) {
      disconnected("the connection to the broker was lost" + (why.empty() ? why : ": " + why));
      const std::lock_guard lock(mutex_);
      closed_ = true;
      changed_.notify_one();
    };
    callbacks.trouble = [this](const std::string& what) { host_->log(LogLevel::warning, what); };
    return callbacks;
  }

  void connected() {
    host_->log(LogLevel::info, "connected to " + access_.url());
    const std::lock_guard lock(mutex_);
    up_ = true;
    told_dropping_ = told_down_ = false;
    stream_ready_ = !durable();  // what was in flight when the connection broke may have been lost with it
    outbox_.rewind();
    changed_.notify_one();
  }

  void disconnected(const std::string& why) {
    const std::lock_guard lock(mutex_);
    up_ = false;
    if (std::exchange(told_down_, true)) return;
    host_->log(LogLevel::warning, why + "; feeds and clients go on, and what the broker misses waits or is dropped");
  }

  /// The writer's thread.
  void connect(std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    bool refused = false;
    try {
      disconnect();
      link_ = std::make_unique<Link>(access_, Link::WhenLost::is_over, callbacks());
      ask_ = link_->subscribe(ask_subject(access_.prefix()), &NatsSink::on_ask, this, kMostQuestions);
      if (durable()) acks_ = link_->subscribe(inbox_ + ".*", &NatsSink::on_ack, this, -1);
      lock.lock();
      closed_ = false;
      lock.unlock();
      connected();
      lock.lock();
      return;
    } catch (const LinkError& e) {
      refused = e.refused;
      if (refused) {
        host_->log(LogLevel::error, std::string("the broker does not let us in: ") + e.what());
      } else {
        disconnected(e.what());
      }
    } catch (const std::exception& e) {  // lost again at once
      disconnected(e.what());
    }
    lock.lock();
    over_ = refused;
    if (!over_) changed_.wait_for(lock, kConnectEvery, [this] { return over_ || closing_; });
  }

  void disconnect() {
    ask_.reset();
    acks_.reset();
    if (link_) link_->stop();
    link_.reset();
  }

  void note_dropped(std::size_t count) {
    if (count == 0) return;
    host_->count("dropped", count);
    bool tell = false;
    {
      const std::lock_guard lock(mutex_);
      tell = !std::exchange(told_dropping_, true);
    }
    if (tell) {
      host_->log(
          LogLevel::warning,
          "the broker is slow or gone, and the queue is full: the oldest messages are dropped; readers see a gap");
    }
  }

  /// The writer's thread: the only one that waits for the broker.
  void write() noexcept {
    std::unique_lock lock(mutex_);
    auto progress = steady_clock::now();
    std::size_t in_flight = 0;
    while (!over_) {
      if (closed_ && !(closing_ && outbox_.empty()) && (!closing_ || steady_clock::now() < closing_until_)) {
        connect(lock);
        continue;
      }
      const auto can_send = [&] { return up_ && stream_ready_ && outbox_.has_next(); };
      const auto ready = [&] { return over_ || closed_ || closing_ || (up_ && !stream_ready_) || can_send(); };
      if (closing_) {
        if (outbox_.empty() || steady_clock::now() >= closing_until_) break;
        changed_.wait_until(lock, std::min(closing_until_, steady_clock::now() + milliseconds(50)), can_send);
      } else if (outbox_.in_flight() > 0) {
        changed_.wait_for(lock, kAcknowledgedWithin, ready);
      } else {
        changed_.wait(lock, ready);
      }
      if (up_ && !stream_ready_ && !over_) {
        prepare_stream(lock);
        continue;
      }
      if (in_flight != outbox_.in_flight() || acknowledged_) {
        acknowledged_ = false;
        in_flight = outbox_.in_flight();
        progress = steady_clock::now();
      } else if (in_flight > 0 && up_ && steady_clock::now() - progress >= kAcknowledgedWithin) {
        host_->count("repeated", in_flight);
        outbox_.rewind();
        progress = steady_clock::now();
      }
      send(lock);
      room_.notify_all();
    }
    room_.notify_all();
    const bool flush = up_;
    lock.unlock();
    if (flush) natsConnection_FlushTimeout(link_->get(), plan_.linger.count() + 1);
    disconnect();
  }

  void prepare_stream(std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    std::string problem;
    try {
      ensure_stream(link_->get(), plan_.stream, access_.prefix());
    } catch (const std::exception& e) {
      problem = e.what();
    }
    lock.lock();
    if (problem.empty()) {
      stream_ready_ = true;
      told_no_stream_ = false;
      return;
    }
    if (!std::exchange(told_no_stream_, true))
      host_->log(LogLevel::error, problem + "; it is tried again every second");
    changed_.wait_for(lock, kTryStreamEvery, [this] { return over_ || closing_; });
  }

  void send(std::unique_lock<std::mutex>& lock) {
    constexpr std::size_t kTurn = 256;  // messages between two looks at what else there is to do
    for (std::size_t i = 0; i < kTurn && up_ && stream_ready_; ++i) {
      const Outbox::Next next = outbox_.next();
      if (!next.message) return;
      lock.unlock();
      const natsStatus status = send(*next.message, next.number);
      lock.lock();
      if (status == NATS_OK) {
        host_->count("published", 1);
        continue;
      }
      // What is acknowledged is sent again over another connection, so that its order stays; the rest is a gap for
      // whoever follows.
      if (next.number == 0) host_->count("dropped", 1);
      up_ = false;
      closed_ = true;
      return;
    }
  }

  natsStatus send(const Outgoing& message, std::uint64_t number) {
    const auto size = static_cast<int>(message.payload.size());
    if (number == 0) {
      return natsConnection_Publish(link_->get(), message.subject.c_str(), message.payload.data(), size);
    }
    natsMsg* made = nullptr;
    const std::string reply = inbox_ + '.' + std::to_string(number);
    natsStatus status = natsMsg_Create(&made, message.subject.c_str(), reply.c_str(), message.payload.data(), size);
    if (status != NATS_OK) return status;
    const MessagePtr owned(made);
    status = natsMsgHeader_Set(made, "Nats-Msg-Id", message.id.c_str());
    return status == NATS_OK ? natsConnection_PublishMsg(link_->get(), made) : status;
  }

  static void on_ack(natsConnection*, natsSubscription*, natsMsg* raw, void* self) {
    const MessagePtr message(raw);
    static_cast<NatsSink*>(self)->acknowledged(*message);
  }

  void acknowledged(natsMsg& message) {
    const std::string_view subject = natsMsg_GetSubject(&message);
    const std::string_view data(natsMsg_GetData(&message), static_cast<std::size_t>(natsMsg_GetDataLength(&message)));
    const std::uint64_t number = std::strtoull(subject.substr(subject.rfind('.') + 1).data(), nullptr, 10);
    const std::lock_guard lock(mutex_);
    if (natsMsg_IsNoResponders(&message)) {  // the stream is gone
      stream_ready_ = false;
      outbox_.rewind();
      changed_.notify_one();
      return;
    }
    if (!outbox_.acknowledged(number)) return;
    acknowledged_ = true;
    if (data.find("\"error\"") == std::string_view::npos) {
      host_->count("acknowledged", 1);
    } else {
      host_->count("refused", 1);
      if (!std::exchange(told_refused_, true)) {
        host_->log(LogLevel::error,
                   "the stream refuses messages, which it will lack: " + std::string(data.substr(0, 200)));
      }
    }
    changed_.notify_one();
  }

  static void on_ask(natsConnection*, natsSubscription*, natsMsg* raw, void* self) {
    const MessagePtr message(raw);
    if (const char* reply = natsMsg_GetReply(raw); reply != nullptr)
      static_cast<NatsSink*>(self)->answer(*message, reply);
  }

  /// Into the same queue as the events: whoever asked gets the state and then what follows it.
  void answer(natsMsg& question, const char* reply) {
    const std::string_view list(natsMsg_GetData(&question), static_cast<std::size_t>(natsMsg_GetDataLength(&question)));
    std::set<std::string, std::less<>> wanted;
    for (std::size_t from = 0; from < list.size();) {
      const auto to = std::min(list.find('\n', from), list.size());
      if (to > from) wanted.emplace(list.substr(from, to - from));
      from = to + 1;
    }
    std::size_t dropped = 0;
    {
      const std::lock_guard lock(mutex_);
      if (publication_.epoch().empty()) return;
      publication_.answer(wanted, [&](std::string_view payload) {
        dropped += outbox_.push({reply, std::string(payload), {}, {}});
      });
    }
    host_->count("answers", 1);
    changed_.notify_one();
    note_dropped(dropped);
  }

  const Access access_;
  const Plan plan_;
  NumberedHost* host_ = nullptr;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_, room_;
  Publication publication_;
  Outbox outbox_;
  bool up_ = false;
  bool closed_ = true;  // there is no connection that would come back by itself
  bool over_ = false;   // and none is wanted
  bool stream_ready_ = false;
  bool acknowledged_ = false;  // something was, since the writer looked
  bool told_down_ = false, told_dropping_ = false, told_no_stream_ = false, told_refused_ = false;
  bool closing_ = false;
  steady_clock::time_point closing_until_{};

  std::string inbox_;
  std::thread writer_;
  std::unique_ptr<Link> link_;  // the writer's thread
  SubscriptionPtr ask_, acks_;  // likewise
};

Sink* make(const Settings& settings, Error& error) noexcept try {
  Plan plan;
  plan.stream.name = settings.get("stream");
  plan.stream.keep = std::chrono::microseconds(settings.integer("keep"));
  plan.stream.keep_bytes = settings.integer("keep_bytes");
  plan.in_flight = static_cast<std::size_t>(std::clamp<std::int64_t>(settings.integer("in_flight"), 1, 1'000'000));
  plan.queue_bytes = static_cast<std::size_t>(std::clamp<std::int64_t>(settings.integer("queue"), 1, 65'536)) << 20U;
  plan.linger = std::chrono::duration_cast<milliseconds>(std::chrono::microseconds(settings.integer("linger")));
  return new NatsSink(Access(settings), std::move(plan));
} catch (const std::exception& e) {
  std::snprintf(error.text, sizeof error.text, "%s", e.what());
  return nullptr;
}

constexpr Descriptor kDescriptor =
    describe_sink("nats", BIXWS_VERSION, "everything to a NATS broker, for other machines", kOptions, &make);

}  // namespace
}  // namespace bixws::nats

BIXWS_EXPORT const bixws::Descriptor* bixws_plugin_v1() noexcept { return &bixws::nats::kDescriptor; }
BIXWS_EXPORT std::uint32_t bixws_plugin_traits() noexcept { return bixws::kPassesNumbersOn; }

// SPDX-License-Identifier: Apache-2.0
// feed_nats: what sink_nats published, as a feed: events keep their numbers, so that clients move between edges. With
// stream= everything that JetStream holds comes, from where the recording ended.
#include <bixws/describe.h>
#include <bixws/relay.h>
#include <bixws/stop_signal.h>
#include <poll.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "nats/follower.h"
#include "nats/link.h"
#include "nats/stream.h"

namespace bixws::nats {
namespace {

using std::chrono::milliseconds;

constexpr Option kOptions[] = {
    kUrl,
    kPrefix,
    {"stream", OptionType::string, "", "read this JetStream stream instead of what is published just now"},
    {"from", OptionType::string, "",
     "stream: first, new or the number of a message; default: behind what the recording has, or first"},
    {"queue", OptionType::integer, "64", "MiB that may wait here while clients are served"},
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

constexpr milliseconds kLookEvery{250};   // at what was asked and not answered
constexpr milliseconds kReadWithin{200};  // a stream with nothing new; also how late a stop is noticed
constexpr milliseconds kTryAgainEvery{1'000};

bool stopped_within(int stop_fd, milliseconds time) {
  pollfd waiting{stop_fd, POLLIN, 0};
  return ::poll(&waiting, 1, static_cast<int>(time.count())) > 0;
}

class NatsFeed final : public FeedSource {
 public:
  NatsFeed(Access access, std::string stream, std::string from, int queue_bytes, Wanted wanted)
      : access_(std::move(access)),
        stream_(std::move(stream)),
        from_(std::move(from)),
        queue_bytes_(queue_bytes),
        wanted_(std::move(wanted)) {}

  int run(Host& plain_host) noexcept override try {
    auto& host = static_cast<RelayHost&>(plain_host);  // kRelaysExchanges
    return stream_.empty() ? follow(host) : read(host);
  } catch (const std::exception& e) {
    plain_host.log(LogLevel::error, e.what());
    return 1;
  }

 private:
  /// What is published just now, with the state of everything first.
  int follow(RelayHost& host) {
    // Kept when the connection is made anew: what was missed meanwhile is a gap.
    if (!follower_) follower_ = std::make_unique<Follower>(host, access_.prefix(), wanted_, true);
    return with_link(host, [&](Link& link, const StopSignal& over) {
      const std::string inbox = make_inbox();
      follower_->set_ask([&](std::string_view subjects) {
        natsConnection_PublishRequest(link.get(), ask_subject(access_.prefix()).c_str(), inbox.c_str(), subjects.data(),
                                      static_cast<int>(subjects.size()));
      });
      const SubscriptionPtr answers = link.subscribe(inbox, &NatsFeed::on_answer, follower_.get(), queue_bytes_);
      const SubscriptionPtr events =
          link.subscribe(access_.prefix() + ".>", &NatsFeed::on_event, follower_.get(), queue_bytes_);
      follower_->begin();
      pollfd fds[] = {{host.stop_fd(), POLLIN, 0}, {over.fd(), POLLIN, 0}};
      while (::poll(fds, 2, static_cast<int>(kLookEvery.count())) <= 0) follower_->look();
      follower_->pause();
    });
  }

  /// What a stream holds, and then what comes to it.
  int read(RelayHost& host) {
    if (!follower_) follower_ = std::make_unique<Follower>(host, access_.prefix(), wanted_, false);
    Follower& follower = *follower_;
    return with_link(host, [&](Link& link, const StopSignal& over) {
      const auto ended = [&] { return stopped_within(host.stop_fd(), {}) || stopped_within(over.fd(), {}); };
      while (!ended()) {
        try {
          at_ = next_place(link, host, follower);
          follower.read_behind(*at_);
          StreamReader reader(link.get(), stream_, access_.prefix() + ".>", at_->seq + 1);
          const auto take = [&](std::string_view subject, std::string_view payload, std::uint64_t seq) {
            follower.event(subject, payload, true, seq);
            at_->seq = seq;
            if (follower.held() >= kLargestBatch) follower.hand_over();
          };
          while (!ended() && reader.read(kReadWithin, take)) follower.hand_over();
        } catch (const std::exception& e) {
          host.log(LogLevel::warning, std::string(e.what()) + "; it is tried again");
          if (stopped_within(host.stop_fd(), kTryAgainEvery)) return;
        }
      }
    });
  }

  /// Calls `use` with each connection that is made; it returns when the connection is over or the feed must stop.
  template <typename Use>
  int with_link(RelayHost& host, Use&& use) {
    bool told = false;
    while (!stopped_within(host.stop_fd(), {})) {
      StopSignal over;
      try {
        Link::Callbacks callbacks;
        callbacks.up = [&] {
          host.log(LogLevel::info, "connected to " + access_.url());
          follower_->connected();
        };
        callbacks.down = [&](const std::string& why) {
          host.log(LogLevel::warning, "the connection to the broker was lost" + (why.empty() ? why : ": " + why));
          follower_->disconnected(why);
        };
        callbacks.over = [&](const std::string&) { over.set(); };
        callbacks.trouble = [&](const std::string& what) { host.log(LogLevel::warning, what); };
        Link link(access_, Link::WhenLost::comes_back, std::move(callbacks));
        host.log(LogLevel::info, "connected to " + access_.url());
        told = false;
        follower_->connected();
        use(link, over);
        link.stop();
        continue;
      } catch (const LinkError& e) {
        if (e.refused) {
          host.log(LogLevel::error, std::string("the broker does not let us in: ") + e.what());
          return 1;
        }
        if (!std::exchange(told, true)) {
          host.log(LogLevel::warning, e.what());
          follower_->disconnected(e.what());
        }
      } catch (const std::exception& e) {  // lost again at once
        host.log(LogLevel::warning, e.what());
      }
      if (stopped_within(host.stop_fd(), kTryAgainEvery)) break;
    }
    return 0;
  }

  static std::string make_inbox() {
    natsInbox* made = nullptr;
    check(natsInbox_Create(&made), "inbox");
    std::string inbox = made;
    natsInbox_Destroy(made);
    return inbox;
  }
  static std::string_view text_of(natsMsg* message) {
    return {natsMsg_GetData(message), static_cast<std::size_t>(natsMsg_GetDataLength(message))};
  }
  static void on_event(natsConnection*, natsSubscription* subscription, natsMsg* raw, void* follower) {
    const MessagePtr message(raw);
    int waiting = 0;
    natsSubscription_GetPending(subscription, &waiting, nullptr);
    static_cast<Follower*>(follower)->event(natsMsg_GetSubject(raw), text_of(raw), waiting > 0);
  }
  static void on_answer(natsConnection*, natsSubscription*, natsMsg* raw, void* follower) {
    const MessagePtr message(raw);
    static_cast<Follower*>(follower)->answer(text_of(raw));
  }

  /// Behind which message to begin.
  StreamPlace next_place(const Link& link, RelayHost& host, Follower& follower) const {
    std::optional<StreamPlace> at = at_;
    const StreamState state = stream_state(link.get(), stream_);
    if (!at) at = StreamPlace::parse(host.last_place());
    StreamPlace place{stream_, state.created, state.first > 0 ? state.first - 1 : 0};
    if (at && at->stream == stream_ && at->created == state.created) {
      if (at->seq + 1 < state.first) {
        follower.lost("the stream no longer holds them", state.first - at->seq - 1);
      } else {
        place.seq = at->seq;
      }
      return place;
    }
    if (at) {
      follower.lost("the stream was made anew", 0);
      return place;
    }
    if (from_ == "new") place.seq = state.last;
    if (!from_.empty() && from_ != "new" && from_ != "first") {
      place.seq = std::max<std::uint64_t>(place.seq, std::strtoull(from_.c_str(), nullptr, 10) - 1);
    }
    return place;
  }

  static constexpr std::size_t kLargestBatch = 1'000;  // events

  const Access access_;
  const std::string stream_, from_;
  const int queue_bytes_;
  const Wanted wanted_;
  std::unique_ptr<Follower> follower_;
  std::optional<StreamPlace> at_;  // of the last message of the stream that was taken in whole
};

FeedSource* make(const Settings& settings, Error& error) noexcept try {
  Wanted wanted;
  for (std::size_t i = 0; i < settings.symbol_count(); ++i) wanted.symbols.emplace_back(settings.symbol(i));
  wanted.channels = settings.channels();
  const std::string from(settings.get("from"));
  const std::string stream(settings.get("stream"));
  if (!from.empty() && stream.empty()) throw std::runtime_error("from is a place in a stream; give stream= too");
  if (!from.empty() && from != "first" && from != "new" &&
      (from.find_first_not_of("0123456789") != std::string::npos || from == "0")) {
    throw std::runtime_error("from must be first, new or the number of a message, not \"" + from + "\"");
  }
  const int queue = static_cast<int>(std::clamp<std::int64_t>(settings.integer("queue"), 1, 1024) * 1'048'576);
  return new NatsFeed(Access(settings), stream, from, queue, std::move(wanted));
} catch (const std::exception& e) {
  std::snprintf(error.text, sizeof error.text, "%s", e.what());
  return nullptr;
}

constexpr Descriptor kDescriptor = describe_feed(
    "nats", BIXWS_VERSION, "what sink nats publishes, from a broker or out of its stream", kOptions, &make);

}  // namespace
}  // namespace bixws::nats

BIXWS_EXPORT const bixws::Descriptor* bixws_plugin_v1() noexcept { return &bixws::nats::kDescriptor; }
BIXWS_EXPORT std::uint32_t bixws_plugin_traits() noexcept { return bixws::kRelaysExchanges; }

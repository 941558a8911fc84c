// SPDX-License-Identifier: Apache-2.0
// Follower: per subject how far it came; per exchange the epoch it is in.
#include "nats/follower.h"

#include <algorithm>

#include "model/symbol.h"

namespace bixws::nats {
namespace {

constexpr std::chrono::milliseconds kAskAgainAfter{1'000};
constexpr int kMostAsks = 3;
/// Nodes come back to the broker later than we do, with what they had kept: holes are the outage's for so long.
constexpr std::chrono::seconds kBlamedFor{5};
constexpr std::size_t kLargestBatch = 256;
constexpr std::size_t kMostPastEpochs = 1'000;

/// The channel of the contract behind a subject's last token.
Channel channel_named(std::string_view token) {
  if (token == "ticker") return Channel::ticker;
  if (token == "trades") return Channel::trades;
  if (token == "book") return Channel::book;
  if (token.starts_with("candles:")) return Channel::candle;
  return Channel::none;
}

bool is_snapshot(std::string_view message) {
  constexpr std::size_t kHead = 200;  // it stands before the levels
  return message.substr(0, kHead).find("\"action\":\"snapshot\"") != std::string_view::npos;
}

}  // namespace

Follower::Follower(RelayHost& host, std::string prefix, Wanted wanted, bool may_ask)
    : host_(host), prefix_(std::move(prefix)), wanted_(std::move(wanted)), may_ask_(may_ask), parser_(theirs_) {
  for (const char* name : {"received", "repeated", "missed", "bad", "asked"}) host.count(name, 0);
}

Follower::~Follower() = default;

bool Follower::is_wanted(std::string_view name) const {
  const Channel channel = channel_named(channel_of(name));
  if (channel != Channel::none && (wanted_.channels >> static_cast<unsigned>(channel) & 1U) == 0) return false;
  const std::string_view exchange = exchange_of(prefix_, name);
  std::string_view symbol = name.substr(std::min(name.size(), prefix_.size() + exchange.size() + 2));
  symbol = symbol.substr(0, symbol.rfind('.'));
  if (wanted_.symbols.empty() || symbol == "_") return true;
  return std::any_of(wanted_.symbols.begin(), wanted_.symbols.end(), [&](std::string_view spelled) {
    const auto colon = spelled.find(':');
    if (colon != std::string_view::npos && spelled.substr(0, colon) != exchange) return false;
    return symbol_key(colon == std::string_view::npos ? spelled : spelled.substr(colon + 1)) == symbol_key(symbol);
  });
}

Follower::Subjects::iterator Follower::subject_of(std::string_view name) {
  auto at = subjects_.find(name);
  if (at != subjects_.end()) return at;
  at = subjects_.emplace(std::string(name), Subject{}).first;
  Subject& subject = at->second;
  subject.channel = channel_named(channel_of(name));
  subject.book = subject.channel == Channel::book;
  subject.wanted = !exchange_of(prefix_, name).empty() && is_wanted(name);
  return at;
}

void Follower::enter_epoch(Subject& subject, std::string_view exchange, std::string_view epoch) {
  if (epoch_ != epoch && !mixed_) {
    publish();
    // One that was over goes on: another node publishes besides.
    mixed_ = past_epochs_.contains(epoch);
    if (!epoch_.empty() && past_epochs_.size() < kMostPastEpochs) past_epochs_.insert(epoch_);
    epoch_ = epoch;
    host_.numbered(mixed_ ? std::string_view() : epoch);
    if (mixed_) {
      host_.log(LogLevel::warning, "several nodes publish under " + prefix_ +
                                       ": their epochs are not passed on, this edge numbers for itself");
      for (auto& [name, other] : subjects_) other.track.forget();
      if (may_ask_) ask_all();
    }
  }
  if (subject.epoch == epoch) return;
  subject.epoch = epoch;
  subject.track.forget();
  subject.seq = 0;
  subject.asked = 0;
  auto source = sources_.find(exchange);
  if (source == sources_.end()) {
    sources_.emplace(exchange, epoch);
  } else if (source->second != epoch) {
    source->second = epoch;
    Gap gap;
    gap.reason = "the publishing node started anew";
    gap.from_ts = newest_;
    batch_.append(Event::of(host_.relayed(exchange, ""), newest_, 0, gap));
  }
}

const Event* Follower::parse(std::string_view message, Subject& subject) {
  const std::size_t first = batch_.size();
  text_.assign(message);
  text_ += '}';
  const ParsedMessage parsed = parser_.parse(text_, batch_);
  if (!parsed.problem.empty()) {
    host_.count("bad", 1);
    return nullptr;
  }
  if (!told_plain_ && !parser_.plain_exchange().empty()) {
    told_plain_ = true;
    host_.plain_exchange(parser_.plain_exchange());
  }
  for (Event& event : batch_.events().subspan(first)) {
    const std::uint32_t id = event.instrument->id;
    if (id >= ours_.size()) ours_.resize(id + 1, nullptr);
    if (ours_[id] == nullptr) ours_[id] = &host_.relayed(event.instrument->exchange, event.instrument->symbol);
    event.instrument = ours_[id];
    newest_ = std::max(newest_, event.recv_ts);
    subject.instrument = event.instrument;
  }
  return batch_.size() > first ? &batch_.events()[first] : nullptr;
}

void Follower::add_gap(Subject& subject, std::size_t before, std::string_view reason, std::uint64_t missed) {
  const Event& cause = batch_.events()[before];
  Gap gap;
  gap.channel = subject.channel;
  gap.reason = reason;
  gap.from_ts = subject.recv_ts;
  gap.to_ts = cause.recv_ts;
  gap.lost = static_cast<std::int64_t>(missed);
  if (subject.seq != 0 && cause.seq > subject.seq) {
    // What holds no message of its own stands in for the one that has its number, too.
    const bool stands_in = (cause.kind == Kind::book && cause.book().action == BookAction::snapshot) ||
                           (cause.kind == Kind::trades && cause.trades().list.empty());
    gap.from_seq = subject.seq + 1;
    gap.to_seq = stands_in ? cause.seq : cause.seq - 1;
    if (gap.to_seq < gap.from_seq) gap.from_seq = gap.to_seq = 0;
  }
  batch_.append(Event::of(*cause.instrument, cause.recv_ts, 0, gap));
  const auto events = batch_.events().subspan(before);
  std::rotate(events.begin(), events.end() - 1, events.end());
  host_.count("missed", missed);
}

void Follower::read_behind(StreamPlace place) {
  const std::lock_guard lock(mutex_);
  place_ = std::move(place);
  publish();
}

void Follower::event(std::string_view name, std::string_view payload, bool more, std::uint64_t seq) {
  if (paused_) return;
  const std::lock_guard lock(mutex_);
  const auto at = subject_of(name);
  if (at->second.wanted) take(at->second, name, payload);
  if (place_) place_->seq = seq;
  if (may_ask_ && (!more || batch_.size() >= kLargestBatch)) publish();
}

void Follower::take(Subject& subject, std::string_view name, std::string_view payload) {
  const auto envelope = read_envelope(payload);
  if (!envelope || envelope->place.n == 0) {
    host_.count("bad", 1);
    return;
  }
  host_.count("received", 1);
  enter_epoch(subject, exchange_of(prefix_, name), envelope->place.epoch);
  const bool stands_alone = !subject.book || is_snapshot(envelope->message);
  switch (subject.track.message(envelope->place.n, stands_alone, may_ask_)) {
    case Track::Verdict::repeated:
      host_.count("repeated", 1);
      break;
    case Track::Verdict::wait:
      ask(std::string(name));
      break;
    case Track::Verdict::take:
    case Track::Verdict::hole: {
      const std::size_t first = batch_.size();
      if (parse(envelope->message, subject) == nullptr) break;
      const Event cause = batch_.events().back();
      if (subject.track.missed() > 0) {
        add_gap(subject, first, reason_of_loss(), subject.track.missed());
      }
      subject.seq = cause.seq;
      subject.recv_ts = cause.recv_ts;
      subject.asked = 0;
      break;
    }
  }
}

void Follower::answer(std::string_view payload) {
  if (paused_) return;
  const std::lock_guard lock(mutex_);
  const auto envelope = read_envelope(payload);
  if (envelope) unanswered_ = false;
  const auto parts = envelope ? read_answer(*envelope) : std::nullopt;
  if (!parts) return;  // the end of a list of them
  const auto at = subject_of(parts->subject);
  Subject& subject = at->second;
  if (!subject.wanted || envelope->place.n == 0) return;
  enter_epoch(subject, exchange_of(prefix_, parts->subject), envelope->place.epoch);
  const Track::Verdict verdict = subject.track.state(envelope->place.n);
  subject.asked = 0;
  if (verdict == Track::Verdict::repeated) return;
  const std::size_t first = batch_.size();
  const Event* state = parse(envelope->message, subject);
  if (state == nullptr) {
    if (verdict == Track::Verdict::hole) host_.count("missed", subject.track.missed());
    return;
  }
  const Event told = *state;
  const std::string reason = reason_of_loss();
  if (verdict == Track::Verdict::hole) add_gap(subject, first, reason, subject.track.missed());
  subject.seq = told.seq;
  subject.recv_ts = told.recv_ts;
  // Trades are no state: the answer holds none, and says how far they are.
  const bool is_trades = told.kind == Kind::trades;
  if (is_trades) batch_.truncate(batch_.size() - 1);
  if (is_trades || parts->depth_count > 0) {
    // The numbers stand between what came before and the snapshot.
    const auto own = std::make_unique<EventBatch>();
    for (const Event& event : batch_.events().subspan(first)) own->append(event);
    batch_.truncate(first);
    publish();
    Reached numbers;
    if (is_trades) numbers.trades = told.seq;
    numbers.depths = parts->depths;
    numbers.depth_count = parts->depth_count;
    host_.reached(*subject.instrument, numbers);
    for (const Event& event : own->events()) batch_.append(event);
  }
  publish();
}

std::string Follower::reason_of_loss() const {
  const bool just_back = down_ || Clock::now() < back_at_ + kBlamedFor;
  return just_back && !lost_because_.empty() ? lost_because_ : "messages were missed between the node and here";
}

void Follower::ask(const std::string& subject) {
  if (!may_ask_) return;
  to_ask_.insert(subject);
  send_asks();
}

/// Not more often than look() comes by, so that a storm of holes is one question.
void Follower::send_asks() {
  constexpr std::chrono::milliseconds kBetween{100};
  const auto now = Clock::now();
  if (!begun_ || !ask_ || (to_ask_.empty() && !ask_everything_) || now - asked_at_ < kBetween) return;
  std::string list;
  for (const std::string& name : to_ask_) {
    ++subjects_.find(name)->second.asked;
    list += name;
    list += '\n';
  }
  ask_(ask_everything_ ? std::string_view() : std::string_view(list));
  host_.count("asked", 1);
  ask_everything_ = false;
  to_ask_.clear();
  asked_at_ = now;
}

void Follower::ask_all() {
  ask_everything_ = unanswered_ = true;
  asked_at_ = {};
  send_asks();
}

void Follower::begin() {
  const std::lock_guard lock(mutex_);
  begun_ = true;
  paused_ = false;
  ask_all();
}

void Follower::connected() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(down_, false)) {
    back_at_ = Clock::now();
    tell(FeedState::live, {});
  }
  if (begun_ && !paused_) ask_all();
}

void Follower::disconnected(const std::string& why) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(down_, true)) return;
  lost_because_ = "the connection to the broker was lost" + (why.empty() ? std::string() : ": " + why);
  tell(FeedState::down, why);
}

void Follower::look() {
  if (paused_) return;
  const std::lock_guard lock(mutex_);
  if (!may_ask_ || down_) return;
  if (Clock::now() - asked_at_ >= kAskAgainAfter) {
    ask_everything_ = ask_everything_ || unanswered_;  // the node may come to the broker after us, with a quiet market
    std::size_t given_up = 0;
    for (auto& [name, subject] : subjects_) {
      if (!subject.track.waits()) continue;
      if (subject.asked < kMostAsks) {
        to_ask_.insert(name);
      } else {
        subject.track.give_up();
        ++given_up;
      }
    }
    if (given_up > 0) {
      host_.log(LogLevel::warning, "no node answers for the state of " + std::to_string(given_up) +
                                       " subjects; they are taken as they come");
    }
  }
  send_asks();
}

void Follower::lost(std::string_view reason, std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  Gap gap;
  gap.reason = reason;
  if (count > 0) gap.lost = static_cast<std::int64_t>(count);
  batch_.append(Event::of(host_.instrument(""), host_.now(), 0, gap));
}

void Follower::tell(FeedState state, const std::string& reason) {
  Status status;
  status.state = state;
  status.reason = reason;
  batch_.append(Event::of(host_.instrument(""), newest_ != 0 ? newest_ : host_.now(), 0, status));
  publish();
}

std::size_t Follower::held() const {
  const std::lock_guard lock(mutex_);
  return batch_.size();
}

void Follower::hand_over() {
  const std::lock_guard lock(mutex_);
  publish();
}

void Follower::publish() {
  if (batch_.empty()) return;
  if (place_) host_.place(place_->text());
  if (!host_.publish(batch_.events().data(), batch_.size())) paused_ = true;
  batch_.clear();
}

}  // namespace bixws::nats

// SPDX-License-Identifier: Apache-2.0
// SoloSession: requests to the hub of its own, runs back.
#include "server/solo_session.h"

#include "server/replies.h"

namespace bixws::server {
namespace {

constexpr std::size_t kOutput = std::size_t{256} << 10;  // bytes gathered for one send
constexpr ClientKey kOnly{0, 1};

net::WsPeerOptions peer_options(const Options& options) {
  net::WsPeerOptions peer;
  peer.max_message = options.max_message;
  peer.max_queued = 0;
  peer.ping_interval = options.ping_interval;
  peer.pong_deadline = options.pong_deadline;
  peer.close_deadline = options.close_deadline;
  return peer;
}

}  // namespace

SoloSession::SoloSession(Owner& owner, Place place, std::unique_ptr<PrivateReplay> replay, net::Upgraded upgraded,
                         Doors::Origin origin)
    : owner_(owner),
      place_(std::move(place)),
      origin_(std::move(origin)),
      signal_(place_.loop, [this] { take_runs(); }),
      inbox_(std::make_shared<Inbox>(signal_)),
      publisher_(std::make_shared<Publisher>(replay->hub(), place_.labels, 0)),
      replay_(std::move(replay)),
      peer_(std::move(upgraded.connection), net::Role::server, peer_options(place_.options), upgraded.deflate, *this),
      allowance_(place_.options.messages_per_second, place_.loop.now()) {
  publisher_->add_loop(inbox_);
  publisher_->set_desk([this](HistoryJob job) { return ask_history(std::move(job)); });
  const ChaosOptions& chaos = place_.options.chaos;
  if (chaos.any()) publisher_->set_chaos(chaos, place_.options.log);
  replay_->hub().attach(publisher_);
  replay_->hub().start();
}

SoloSession::~SoloSession() {
  *alive_ = false;
  inbox_->close();
  replay_.reset();
}

void SoloSession::start(std::optional<SubscribeRequest> subscribe, std::optional<RequestError> error,
                        std::string early) {
  const bool subscribes = subscribe.has_value();
  replay_->hub().post([publisher = publisher_, subscribe = std::move(subscribe), error = std::move(error)](
                          market::Market& market) { publisher->join(kOnly, subscribe, error, market); });
  if (subscribes) {
    play();
  } else {
    ping();
  }
  peer_.start(std::move(early));
}

// The same rule as Server::ready_clients: it has subscribed, or had its chance to.
void SoloSession::ping() {
  replay_->hub().post([publisher = publisher_](market::Market& market) { publisher->ping(kOnly, market); });
}

void SoloSession::play() {
  if (playing_) return;
  playing_ = true;
  hub::Hub& hub = replay_->hub();
  replay_->play([this, &hub, alive = alive_] {
    // In order with the events: when the hub is here, all of them are in the inbox.
    hub.post([this, alive](market::Market&) {
      place_.loop.post([this, alive] {
        if (!*alive) return;
        ended_ = true;
        take_runs();
      });
    });
  });
}

void SoloSession::close(std::uint16_t code, const std::string& reason) {
  if (over_) return;
  over_ = true;
  peer_.close(code, reason);
}

void SoloSession::cut() {
  over_ = true;
  peer_.abort();
  owner_.on_solo_ended(*this);
}

bool SoloSession::wants(const Topic& topic) {
  if (topic.id >= wanted_.size()) wanted_.resize(topic.id + 1);
  std::uint8_t& known = wanted_[topic.id];
  if (known == 0) known = selection_ && selection_->find(topic.what, *topic.instrument) ? 2 : 1;
  return known == 2;
}

void SoloSession::take(const Run& run) {
  for (const RunItem& item : run.items) {
    switch (item.kind) {
      case RunItem::Kind::message:
      case RunItem::Kind::ticker:
        if (wants(*item.topic)) output_ += run.text(item.frame);
        break;
      case RunItem::Kind::notice:
        if (selection_ && selection_->concerned(item.channel, *item.instrument)) output_ += run.text(item.frame);
        break;
      case RunItem::Kind::epoch:
        output_ += run.text(item.frame);
        break;
      case RunItem::Kind::answer: {
        const Answer& answer = run.answers[item.index];
        output_ += run.text(answer.frames);
        if (answer.kind != Answer::Kind::select) break;
        selection_ = answer.selection;
        wanted_.clear();
        break;
      }
    }
  }
}

// What stays in the inbox holds the hub back, and that the replay.
void SoloSession::take_runs() {
  while (!over_ && !blocked_) {
    while (output_.size() < kOutput) {
      const SharedRun run = inbox_->next();
      if (!run) break;
      take(*run);
    }
    if (sent_ == output_.size()) {
      output_.clear();
      sent_ = 0;
      if (ended_) close(net::close_code::normal, "ended");
      return;
    }
    const net::IoResult result = peer_.try_send(std::string_view(output_).substr(sent_));
    sent_ += result.bytes;
    blocked_ = result.status == net::IoStatus::again;
    if (result.status != net::IoStatus::ok && !blocked_) over_ = true;  // on_closed follows
    if (sent_ == output_.size()) {
      output_.clear();
      sent_ = 0;
    }
  }
}

// On the hub's thread, which ends before this session does.
bool SoloSession::ask_history(HistoryJob job) const {
  job.client = {UINT32_MAX, reinterpret_cast<std::uintptr_t>(this)};  // nobody else's at the desk
  job.source = replay_->history();
  job.deliver = [this, &loop = place_.loop, alive = alive_](const ClientKey&, std::string payload) {
    loop.post([this, alive, payload = std::move(payload)]() mutable {
      if (!*alive) return;
      replay_->hub().post([publisher = publisher_, payload = std::move(payload)](market::Market& market) {
        publisher->tell(kOnly, payload, market);
      });
    });
  };
  return place_.desk->ask(std::move(job));
}

void SoloSession::handle(Request request) {
  if (auto* steering = std::get_if<ReplayRequest>(&request)) {
    const std::string refusal = replay_->control(*steering);
    if (refusal.empty()) return;
    request = RequestError{steering->id, ErrorCode::bad_request, refusal};
  }
  replay_->hub().post([publisher = publisher_, request = std::move(request)](market::Market& market) {
    publisher->answer(kOnly, request, market);
  });
}

void SoloSession::on_message(net::WsPeer& peer, net::Opcode kind, std::string_view payload) {
  (void)peer;
  switch (allowance_.take(place_.loop.now())) {
    case Allowance::Verdict::abuse:
      return close(net::close_code::policy, "too many messages");
    case Allowance::Verdict::too_fast:
      return handle(RequestError{{}, ErrorCode::rate_limited, too_fast_text(place_.options.messages_per_second)});
    case Allowance::Verdict::good:
      break;
  }
  if (kind != net::Opcode::text) {
    return handle(RequestError{{}, ErrorCode::bad_request, "binary messages are not part of the protocol"});
  }
  Request request = parse_request(payload, *place_.labels);
  const auto* subscribe = std::get_if<SubscribeRequest>(&request);
  const bool subscribes = subscribe != nullptr && subscribe->subscribe;
  handle(std::move(request));
  if (subscribes) play();
}

void SoloSession::on_writable(net::WsPeer& peer) {
  (void)peer;
  blocked_ = false;
  take_runs();
}

void SoloSession::on_pong(net::WsPeer& peer, net::Duration round_trip) {
  (void)peer;
  (void)round_trip;
  if (playing_) return;
  if (answered_ping_) return play();
  answered_ping_ = true;
  ping();
}

void SoloSession::on_closed(net::WsPeer& peer, const net::WsEnd& end) {
  (void)peer;
  (void)end;
  over_ = true;
  owner_.on_solo_ended(*this);
}

}  // namespace bixws::server

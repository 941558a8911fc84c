// SPDX-License-Identifier: Apache-2.0
// Publisher: what clients are told when they come, subscribe, or have fallen behind. Runs on the hub's thread, so that
// an answer and what follows it leave in one order.
#include <algorithm>

#include "model/event_json.h"
#include "server/asked.h"
#include "server/publisher.h"

namespace bixws::server {
namespace {

/// Channels whose newest state says all that matters.
const std::vector<ChannelSpec>& state_channels() {
  static const std::vector<ChannelSpec> list = [] {
    std::vector<ChannelSpec> made;
    for (const std::string& name : channel_names()) {
      const ChannelSpec what = *parse_channel(name);
      if (what.channel == Channel::book || what.channel == Channel::candle) made.push_back(what);
    }
    return made;
  }();
  return list;
}

}  // namespace

void Publisher::add_answer(Answer::Kind kind, ClientKey client, std::shared_ptr<const Selection> selection,
                           std::size_t begin, const market::Market& market, std::uint64_t token,
                           std::shared_ptr<const Selection> covered) {
  Run& current = run();
  RunItem& item = current.items.emplace_back();
  item.kind = RunItem::Kind::answer;
  item.index = static_cast<std::uint32_t>(current.answers.size());
  current.answers.push_back(
      {kind,
       client,
       std::move(selection),
       std::move(covered),
       {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(current.bytes.size() - begin)},
       market.ticker_count(),
       token});
  hand_over();
}

RequestError Publisher::too_many_subscriptions(const std::string& id) const {
  return {id, ErrorCode::too_many,
          "more than " + std::to_string(most_subscriptions_) + " subscriptions on one connection"};
}

void Publisher::join(ClientKey client, const std::optional<SubscribeRequest>& request,
                     const std::optional<RequestError>& error, const market::Market& market) {
  const std::size_t begin = run().bytes.size();
  Selection selection;
  if (request) {
    for (const ChannelSpec& what : request->channels) {
      const Policy policy = effective_policy(what.channel, request->policy);
      if (request->every) selection.add(what, nullptr, policy);
      for (const Instrument* instrument : request->instruments) selection.add(what, instrument, policy);
    }
  }
  std::optional<RequestError> refusal = error;
  if (selection.items().size() > most_subscriptions_) refusal = too_many_subscriptions({});
  const SubscribeRequest* const granted = request && !refusal ? &*request : nullptr;
  write_initial_data([granted](const Instrument& instrument) { return wants(granted, instrument); }, market);
  if (granted != nullptr) {
    write_answer(*granted, market);
    Recent::Missed missed;
    write_snapshots(*granted, missed, market);
  } else {
    selection = Selection::initial();
    write_statuses(nullptr);
  }
  if (refusal) {
    TextBuffer text;
    append_error(text, *refusal);
    write_payload(text.view());
  }
  const auto shared = acquire(std::move(selection), market);
  clients_[client] = {shared, granted == nullptr};
  add_answer(Answer::Kind::select, client, shared->second.selection, begin, market);
}

void Publisher::leave(ClientKey client, const market::Market& market) {
  const auto at = clients_.find(client);
  if (at == clients_.end()) return;
  release(at->second.shared, market);
  clients_.erase(at);
  std::erase_if(early_, [&](const Early& early) { return early.client == client; });
}

void Publisher::ping(ClientKey client, const market::Market& market) {
  answer_waiting(market);
  if (!clients_.contains(client)) return;
  const std::size_t begin = run().bytes.size();
  run().bytes.raw(kPingFrame);
  add_answer(Answer::Kind::plain, client, nullptr, begin, market);
}

void Publisher::answer(ClientKey client, const Request& request, const market::Market& market) {
  TextBuffer text;
  answer_waiting(client, market);  // what it asked first is answered first
  if (const auto* subscribe = std::get_if<SubscribeRequest>(&request)) {
    if (!wait_for_numbers(client, *subscribe, market)) select(client, *subscribe, market);
  } else if (const auto* ping = std::get_if<PingRequest>(&request)) {
    append_pong(text, *ping, market.last_recv_ts());
    reply(client, text.view(), market);
  } else if (const auto* error = std::get_if<RequestError>(&request)) {
    append_error(text, *error);
    reply(client, text.view(), market);
  } else if (const auto* annotation = std::get_if<AnnotateRequest>(&request)) {
    annotate(client, *annotation, market);
  } else if (const auto* history = std::get_if<HistoryRequest>(&request)) {
    ask_history(client, *history, market);
  }
}

void Publisher::reply(ClientKey client, std::string_view payload, const market::Market& market) {
  const std::size_t begin = run().bytes.size();
  write_payload(payload);
  add_answer(Answer::Kind::plain, client, nullptr, begin, market);
}

void Publisher::select(ClientKey client, const SubscribeRequest& request, const market::Market& market) {
  const auto at = clients_.find(client);
  if (at == clients_.end()) return;
  Selection selection;
  auto covered = std::make_shared<Selection>();
  if (!request.subscribe || !at->second.by_default) selection = *at->second.shared->second.selection;
  for (const ChannelSpec& what : request.channels) {
    const Policy policy = effective_policy(what.channel, request.policy);
    if (request.every) {
      request.subscribe ? selection.add(what, nullptr, policy) : selection.remove(what, nullptr);
    }
    for (const Instrument* instrument : request.instruments) {
      request.subscribe ? selection.add(what, instrument, policy) : selection.remove(what, instrument);
      covered->add(what, instrument, policy);
    }
    if (request.every) covered->add(what, nullptr, policy);
  }
  if (selection.items().size() > most_subscriptions_) {
    TextBuffer text;
    append_error(text, too_many_subscriptions(request.id));
    reply(client, text.view(), market);
    return;
  }
  const std::size_t begin = run().bytes.size();
  write_answer(request, market);
  // Acquired before the old one is released, so that a topic both name never stops being encoded.
  const auto shared = acquire(std::move(selection), market);
  release(at->second.shared, market);
  at->second.shared = shared;
  if (request.subscribe) {
    at->second.by_default = false;
    Recent::Missed missed;
    if (!market.takes_numbers()) missed.gap = request.gap;  // an edge counts those it was told of, from when it came
    if (has_channel(request, Channel::ticker)) {
      write_tickers_start(request, *shared->second.selection, missed, market);
    }
    write_snapshots(request, missed, market);
  } else {
    covered = nullptr;
  }
  add_answer(Answer::Kind::select, client, shared->second.selection, begin, market, 0, covered);
}

void Publisher::refresh(ClientKey client, const RefreshRequest& request, const market::Market& market) {
  const auto at = clients_.find(client);
  if (at == clients_.end()) return;
  const Selection& selection = *at->second.shared->second.selection;
  const bool same_epoch = request.epochs == epochs_ && !request.new_epoch;
  const std::size_t begin = run().bytes.size();
  if (!same_epoch) {
    write_initial_data(chosen_tickers(selection), market);
    for (const market::InstrumentState* state : market.all()) {
      for (const ChannelSpec& what : state_channels()) {
        const auto policy = selection.find(what, *state->instrument);
        if (policy && *policy != Policy::lossless) write_state(what, *state->instrument, 0, market);
      }
    }
  } else {
    if (request.tickers) write_tickers_after(selection, request.tickers_after, market);
    for (const RefreshRequest::Stale& stale : request.topics) {
      const Topic& topic = *stale.topic;
      const auto policy = selection.find(topic.what, *topic.instrument);
      if (!policy) continue;  // unsubscribed meanwhile
      const std::uint64_t now = seq_of(topic.what, market.find(topic.instrument->id));
      const bool gap = *policy == Policy::drop_oldest && stale.from_seq != 0 && stale.from_seq <= now;
      if (gap) write_gap(topic.what, *topic.instrument, stale.from_seq, now, "slow consumer");
      write_state(topic.what, *topic.instrument, gap ? 0 : stale.from_seq, market);
    }
  }
  add_answer(Answer::Kind::refresh, client, nullptr, begin, market, request.token);
}

void Publisher::on_epoch(const std::string& epoch, const market::Market& market) {
  (void)epoch;
  release_overtaken(nullptr);
  ++epochs_;
  recent_.clear();
  history_.clear();
  gaps_ = 0;
  own_marks_.clear();
  for (auto& row : rows_) {
    if (!row) continue;
    row->last_status.clear();
    row->marks.clear();
    for (TopicState* topic : row->depths) {
      if (topic != nullptr) topic->view.reset(market::Book{}, topic->topic.what.param);
    }
    row->ticker_seq = row->previous_ticker_seq = 0;
  }
  if (market.takes_numbers()) keep_everything(market);
  const std::size_t begin = run().bytes.size();
  write_initial_data([](const Instrument&) { return true; }, market);
  RunItem& item = run().items.emplace_back();
  item.kind = RunItem::Kind::epoch;
  item.frame = {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(run().bytes.size() - begin)};
  hand_over();
}

}  // namespace bixws::server

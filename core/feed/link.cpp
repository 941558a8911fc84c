// SPDX-License-Identifier: Apache-2.0
// Link: paced requests, answers matched to them, and liveness of one connection.
#include "feed/link.h"

#include <algorithm>
#include <utility>

namespace bixws::feed {
namespace {

class FrameText final : public TextOut {
 public:
  void append(Text text) noexcept override { text_ += text; }
  std::string text_;
};

}  // namespace

Link::Link(net::Loop& loop, std::uint32_t number, Dialect& dialect, const Clock& clock, const Options& options,
           Owner& owner)
    : loop_(loop),
      number_(number),
      dialect_(dialect),
      traits_(dialect.traits()),
      clock_(clock),
      owner_(owner),
      answer_timeout_(options.answer_timeout),
      client_(loop, options.client, *this),
      per_second_(traits_.limits.requests_per_second, std::chrono::seconds(1)),
      per_hour_(traits_.limits.requests_per_hour, std::chrono::hours(1)),
      pace_(loop, [this] { pump(); }),
      self_(std::make_shared<Link*>(this)) {}

void Link::connect(const std::string& url) {
  url_ = url;
  client_.connect(net::parse_url(url));
}

void Link::on_open(net::WsClient&) {
  opened_at_ = last_byte_ = last_keep_alive_ = clock_.now();
  dialect_.opened(number_);
  owner_.on_link_open(*this);
}

void Link::on_message(net::WsClient&, net::Opcode, std::string_view payload) {
  last_byte_ = clock_.now();
  owner_.on_link_frame(*this, payload);
}

void Link::on_failed(net::WsClient&, const net::NetFailure& failure) {
  const Micros retry = failure.retry_after ? failure.retry_after->count() * kSecond : 0;
  std::string reason = failure.text;
  if (failure.status == 451) {
    reason = "not served in this country (HTTP 451); choose another endpoint with url= and rest=, or another exchange";
  }
  down(reason, failure.status, retry);
}

void Link::on_closed(net::WsClient&, const net::WsEnd& end) {
  down(end.text.empty() ? "connection closed" : end.text, 0, 0);
}

void Link::down(const std::string& reason, int status, Micros retry_after) {
  if (ended_) return;
  ended_ = true;
  pace_.cancel();
  owner_.on_link_down(*this, reason, status, retry_after);
}

void Link::close() {
  ended_ = true;
  pace_.cancel();
  if (client_.open()) {
    client_.close(net::close_code::normal);
  } else {
    client_.stop();
  }
}

void Link::fail(std::string reason) {
  if (ended_ || !failure_.empty()) return;
  failure_ = std::move(reason);
  // Not from inside a callback of the client's.
  loop_.post([weak = std::weak_ptr(self_)] {
    const auto self = weak.lock();
    if (!self) return;
    Link& link = **self;
    link.client_.stop();
    link.down(link.failure_, 0, 0);
  });
}

void Link::ask(bool subscribe, Channel channel, const std::vector<Symbol*>& symbols) {
  const std::size_t most = std::max<std::uint32_t>(1, traits_.limits.symbols_per_request);
  for (std::size_t at = 0; at < symbols.size(); at += most) {
    Asked asked;
    asked.subscribe = subscribe;
    asked.channel = channel;
    const auto first = symbols.begin() + static_cast<std::ptrdiff_t>(at);
    asked.symbols.assign(first, first + static_cast<std::ptrdiff_t>(std::min(most, symbols.size() - at)));
    queue_.push_back(std::move(asked));
  }
  pump();
}

net::Duration Link::take_turn() {
  const net::Instant now = loop_.now();
  const net::Duration wait = std::max(per_hour_.wait(now), per_second_.wait(now));
  if (wait != net::Duration::zero()) return wait;
  per_hour_.take(now);
  per_second_.take(now);
  return {};
}

bool Link::send(std::string_view frame) {
  if (client_.send_text(frame) == net::SendStatus::refused) {
    fail("the exchange does not take our requests");
    return false;
  }
  owner_.on_link_sent(*this, frame);
  return true;
}

void Link::pump() {
  while (open() && !ended_ && !queue_.empty()) {
    if (const net::Duration wait = take_turn(); wait != net::Duration::zero()) return pace_.start(wait);
    Asked asked = std::move(queue_.front());
    queue_.pop_front();
    asked.id = next_id_++;
    asked.sent_at = clock_.now();
    std::vector<Text> ids;
    for (const Symbol* symbol : asked.symbols) ids.emplace_back(symbol->id);
    FrameText frame;
    dialect_.request({asked.subscribe, asked.channel, ids, asked.id}, frame);
    const bool needs_answer = traits_.acknowledges && !frame.text_.empty();
    if (!frame.text_.empty() && !send(frame.text_)) return;
    if (needs_answer) {
      unanswered_.push_back(std::move(asked));
    } else {
      accept(asked, nullptr);
    }
  }
}

void Link::accept(Asked& asked, Symbol* only) {
  const auto tell = [&](Symbol& symbol) {
    if (asked.subscribe) {
      owner_.on_accepted(*this, symbol, asked.channel);
    } else {
      owner_.on_withdrawn(*this, symbol, asked.channel);
    }
  };
  if (only != nullptr) {
    if (std::erase(asked.symbols, only) != 0) tell(*only);
    return;
  }
  const auto symbols = std::exchange(asked.symbols, {});
  for (Symbol* symbol : symbols) tell(*symbol);
}

void Link::refuse(Asked& asked, Symbol* only, const std::string& reason) {
  if (only != nullptr) {
    if (std::erase(asked.symbols, only) != 0 && asked.subscribe) owner_.on_refused(*this, *only, asked.channel, reason);
    return;
  }
  const auto symbols = std::exchange(asked.symbols, {});
  if (!asked.subscribe) return;
  if (symbols.size() == 1) return owner_.on_refused(*this, *symbols.front(), asked.channel, reason);
  // One bad symbol may have spoilt the request for the others: halves find it.
  const auto middle = symbols.begin() + static_cast<std::ptrdiff_t>(symbols.size() / 2);
  ask(true, asked.channel, {symbols.begin(), middle});
  ask(true, asked.channel, {middle, symbols.end()});
}

void Link::answer(const Answer& answer, bool refused, Symbol* named) {
  const std::string reason(answer.reason);
  const auto matches = [&](const Asked& asked) {
    if (answer.request != 0) return asked.id == answer.request;
    if (answer.channel != Channel::none && asked.channel != answer.channel) return false;
    return named == nullptr || std::find(asked.symbols.begin(), asked.symbols.end(), named) != asked.symbols.end();
  };
  const auto found = std::find_if(unanswered_.begin(), unanswered_.end(), matches);
  if (found == unanswered_.end()) return;
  Asked asked = std::move(*found);
  unanswered_.erase(found);
  if (refused) {
    refuse(asked, named, reason);
  } else {
    accept(asked, named);
  }
  if (!asked.symbols.empty()) unanswered_.push_front(std::move(asked));
}

void Link::saw(const Symbol& symbol, Channel channel) {
  for (Asked& asked : unanswered_) {
    if (asked.subscribe && asked.channel == channel) std::erase(asked.symbols, &symbol);
  }
}

void Link::tick() {
  if (!open() || ended_ || !failure_.empty()) return;
  const Micros now = clock_.now();
  if (traits_.silence != 0 && now - last_byte_ > traits_.silence) {
    return fail("nothing received for " + std::to_string((now - last_byte_) / kSecond) + " s");
  }
  // Fully seen data needs no answer any more.
  std::erase_if(unanswered_, [](const Asked& asked) { return asked.symbols.empty(); });
  if (!unanswered_.empty() && now - unanswered_.front().sent_at > answer_timeout_) {
    return fail("a request stayed without an answer for " + std::to_string(answer_timeout_ / kSecond) + " s");
  }
  if (traits_.keep_alive == 0) return;
  const Micros since = traits_.keep_alive_always ? last_keep_alive_ : std::max(last_byte_, last_keep_alive_);
  if (now - since < traits_.keep_alive || take_turn() != net::Duration::zero()) return;
  last_keep_alive_ = now;
  FrameText frame;
  dialect_.keep_alive(next_id_++, frame);
  if (!frame.text_.empty()) send(frame.text_);
}

}  // namespace bixws::feed

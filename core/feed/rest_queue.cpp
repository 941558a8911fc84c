// SPDX-License-Identifier: Apache-2.0
// RestQueue: a few requests at a time, paced by weight; 429, 418 and 451 are answers with consequences.
#include "feed/rest_queue.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "net/url.h"

namespace bixws::feed {
namespace {

constexpr std::size_t kAtOnce = 4;
constexpr Micros kBlockedWait = 60 * kSecond;

// Symbols may hold letters of any script.
std::string ascii(const std::string& path) {
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte > 0x20 && byte < 0x7f ? std::string(1, c) : net::percent_encode({&c, 1});
  }
  return out;
}

}  // namespace

RestQueue::RestQueue(net::Loop& loop, std::string base, net::HttpClientOptions options, const Limits& limits)
    : loop_(loop),
      base_(std::move(base)),
      options_(std::move(options)),
      limits_(limits),
      weights_(limits.rest_weight, std::chrono::microseconds(limits.rest_span)),
      timer_(loop, [this] { pump(); }) {
  while (base_.ends_with('/')) base_.pop_back();
}

void RestQueue::get(std::string path, std::uint32_t weight, Done done) {
  waiting_.push_back({std::move(path), weight, std::move(done)});
  if (!timer_.active()) timer_.start(net::Duration::zero());
}

void RestQueue::stop() {
  waiting_.clear();
  timer_.cancel();
  for (auto& client : clients_) client->stop();
}

void RestQueue::pump() {
  while (!waiting_.empty()) {
    const net::Instant now = loop_.now();
    const std::uint32_t weight = waiting_.front().weight;
    const net::Duration wait = std::max(quiet_until_ - now, weights_.wait(now, weight));
    if (wait > net::Duration::zero()) return timer_.start(wait);
    auto client = std::find_if(clients_.begin(), clients_.end(), [](const auto& c) { return !c->busy(); });
    if (client == clients_.end()) {
      if (clients_.size() >= kAtOnce) return;  // the next one to finish goes on
      clients_.push_back(std::make_unique<net::HttpClient>(loop_, options_));
      client = std::prev(clients_.end());
    }
    weights_.take(now, weight);
    auto call = std::make_shared<Call>(std::move(waiting_.front()));
    waiting_.pop_front();
    call->sent = now;
    net::HttpCall request;
    request.url = net::parse_url(base_ + ascii(call->path));
    (*client)->start(std::move(request), [this, call](net::HttpReply reply) { finished(*call, std::move(reply)); });
  }
}

void RestQueue::finished(const Call& call, net::HttpReply&& reply) {
  Reply judged = judge(std::move(reply));
  judged.took = std::chrono::duration_cast<std::chrono::microseconds>(loop_.now() - call.sent).count();
  if (judged.refusal == Refusal::rate_limited || judged.refusal == Refusal::banned) {
    quiet_until_ = std::max(quiet_until_, loop_.now() + std::chrono::microseconds(judged.wait));
  }
  if (!waiting_.empty() && !timer_.active()) timer_.start(net::Duration::zero());
  call.done(judged);
}

RestQueue::Reply RestQueue::judge(net::HttpReply&& reply) const {
  Reply judged;
  if (reply.ok()) {
    judged.body = std::move(reply.body);
    return judged;
  }
  const auto retry = net::retry_after(reply.headers, std::chrono::system_clock::now());
  const Micros asked = retry ? std::max<Micros>(1, retry->count()) * kSecond : 0;
  switch (reply.failure ? 0 : reply.status) {
    case 429:
      judged.refusal = Refusal::rate_limited;
      judged.wait = asked != 0 ? asked : limits_.rate_limited_wait;
      judged.problem = "rate limit reached (HTTP 429); asking again in " + std::to_string(judged.wait / kSecond) +
                       " s. Other programs at this address may be using it up";
      break;
    case 403:
    case 418:
      judged.refusal = Refusal::banned;
      judged.wait = asked != 0 ? asked : limits_.ban_wait;
      judged.problem = (reply.status == 418 ? "this address is banned for asking too much (HTTP 418)"
                                            : "this address is banned or its country not served (HTTP 403)") +
                       std::string("; asking again in ") + std::to_string(judged.wait / kSecond) +
                       " s. Ask for fewer symbols, or stop other programs at this address";
      break;
    case 451:
      judged.refusal = Refusal::blocked;
      judged.wait = kBlockedWait;
      judged.problem =
          "not served in this country (HTTP 451); choose another endpoint with url= and rest=, or another "
          "exchange";
      break;
    default:
      judged.refusal = Refusal::failed;
      judged.wait = asked;
      judged.problem = reply.text();
  }
  return judged;
}

}  // namespace bixws::feed

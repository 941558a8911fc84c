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
constexpr Micros kSecond = 1'000'000;
constexpr Micros kRateLimitedWait = 10 * kSecond;  // where Retry-After is missing
constexpr Micros kBannedWait = 120 * kSecond;      // the shortest ban Binance hands out
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

RestQueue::RestQueue(net::Loop& loop, std::string base, net::HttpClientOptions options, std::uint32_t weight_per_minute)
    : loop_(loop),
      base_(std::move(base)),
      options_(std::move(options)),
      pacer_(weight_per_minute, 60 * kSecond),
      timer_(loop, [this] { pump(); }) {
  while (base_.ends_with('/')) base_.pop_back();
}

Micros RestQueue::now() const {
  return std::chrono::duration_cast<std::chrono::microseconds>(loop_.now().time_since_epoch()).count();
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
    const Micros time = now();
    Micros wait = quiet_until_ > time ? quiet_until_ - time : 0;
    auto client = std::find_if(clients_.begin(), clients_.end(), [](const auto& c) { return !c->busy(); });
    if (client == clients_.end()) {
      if (clients_.size() >= kAtOnce) return;  // the next one to finish goes on
      clients_.push_back(std::make_unique<net::HttpClient>(loop_, options_));
      client = std::prev(clients_.end());
    }
    if (wait == 0) wait = pacer_.take(time, waiting_.front().weight);
    if (wait != 0) return timer_.start(std::chrono::microseconds(wait));
    auto call = std::make_shared<Call>(std::move(waiting_.front()));
    waiting_.pop_front();
    net::HttpCall request;
    request.url = net::parse_url(base_ + ascii(call->path));
    net::HttpClient& chosen = **client;
    chosen.start(std::move(request),
                 [this, &chosen, call](net::HttpReply reply) { finished(chosen, *call, std::move(reply)); });
  }
}

void RestQueue::finished(net::HttpClient&, const Call& call, net::HttpReply&& reply) {
  const Reply judged = judge(std::move(reply));
  if (judged.refusal == Refusal::rate_limited || judged.refusal == Refusal::banned) {
    quiet_until_ = std::max(quiet_until_, now() + judged.wait);
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
  const std::string seconds = std::to_string((asked != 0 ? asked : kRateLimitedWait) / kSecond);
  switch (reply.failure ? 0 : reply.status) {
    case 429:
      judged.refusal = Refusal::rate_limited;
      judged.wait = asked != 0 ? asked : kRateLimitedWait;
      judged.problem = "rate limit reached (HTTP 429); asking again in " + seconds +
                       " s. Other programs at this address may be using it up";
      break;
    case 403:
    case 418:
      judged.refusal = Refusal::banned;
      judged.wait = asked != 0 ? asked : kBannedWait;
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

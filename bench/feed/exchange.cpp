// SPDX-License-Identifier: Apache-2.0
// The sending side of the bench, in a process of its own.
#include "exchange.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/raw_json.h"
#include "support/scripted_server.h"

namespace bixws::bench {
namespace {

using std::chrono::steady_clock;

constexpr auto kLookAtClients = std::chrono::milliseconds(200);
constexpr auto kLate = std::chrono::seconds(2);

std::string wire_name(unsigned symbol) { return symbol_name(symbol).substr(0, 4) + "-USD"; }

std::string time_digits() {
  char text[32];
  const Micros now = wall_clock();
  std::snprintf(text, sizeof text, "%lld.%06lld", static_cast<long long>(now / 1'000'000),
                static_cast<long long>(now % 1'000'000));
  return text;
}

/// What each symbol is and what it sends.
class Products {
 public:
  explicit Products(const Load& load) : load_(load), links_(load.symbols), trades_(load.symbols), random_(7) {}

  void subscribed(const std::string& request, test::ScriptedLink& link) {
    const auto json = test::RawJson::parse_or_throw(request);
    const bool book = request.find("level2") != std::string::npos;
    for (const auto& id : json["product_ids"].items()) {
      const auto symbol = static_cast<unsigned>(std::stoul(id.text().substr(1, 3)));
      links_.at(symbol) = &link;
      ++topics_;
      if (book) link.send_text(snapshot(symbol));
    }
    link.send_text(R"({"type":"subscriptions","channels":[]})");
  }
  [[nodiscard]] bool complete() const { return topics_ >= std::size_t{3} * load_.symbols; }

  bool send_next() {
    const unsigned symbol = pick();
    const bool trade = random_() % 6 == 0;
    const std::string cents = std::to_string(10 + random_() % 89);
    std::string text;
    if (trade) {
      text = R"({"type":"match","trade_id":)" + std::to_string(++trades_[symbol]) + R"(,"side":"sell","size":")" +
             time_digits() + R"(","price":"100.)" + cents + R"(","product_id":")" + wire_name(symbol) +
             R"(","sequence":1,"time":"2026-11-22T21:00:00.000000Z"})";
    } else {
      const bool buy = random_() % 2 == 0;
      text = R"({"type":"l2update","product_id":")" + wire_name(symbol) + R"(","changes":[[")" +
             (buy ? R"(buy","99.)" : R"(sell","101.)") + cents + R"(",")" + time_digits() +
             R"("]],"time":"2026-11-22T21:00:00.000000Z"})";
    }
    return links_[symbol]->send_text(text);
  }

 private:
  static std::string snapshot(unsigned symbol) {
    std::string levels[2];
    for (int i = 0; i < 50; ++i) {
      for (int side = 0; side < 2; ++side) {
        char level[64];
        std::snprintf(level, sizeof level, "%s[\"%d.%02d\",\"1.5\"]", i == 0 ? "" : ",", side == 0 ? 99 : 101,
                      side == 0 ? 99 - i : i);
        levels[side] += level;
      }
    }
    return R"({"type":"snapshot","product_id":")" + wire_name(symbol) + R"(","bids":[)" + levels[0] + R"(],"asks":[)" +
           levels[1] + "]}";
  }

  unsigned pick() {
    const unsigned busy = busy_symbols(load_);
    const unsigned quiet = first_quiet_symbol(load_);
    const std::uint64_t of = random_() % load_.rate;
    if (of < load_.symbols - quiet) return quiet + static_cast<unsigned>(of);  // about one a second each
    return of < load_.rate * 4ULL / 5 ? static_cast<unsigned>(random_() % busy)
                                      : busy + static_cast<unsigned>(random_() % (quiet - busy));
  }

  Load load_;
  std::vector<test::ScriptedLink*> links_;
  std::vector<std::uint64_t> trades_;
  std::mt19937_64 random_;
  std::size_t topics_ = 0;
};

std::string product_list(const Load& load) {
  std::string list = "[";
  for (unsigned i = 0; i < load.symbols; ++i) {
    list += (i == 0 ? "" : ",") + (R"({"id":")" + wire_name(i) + R"(","base_currency":")" + wire_name(i).substr(0, 4) +
                                   R"(","quote_currency":"USD","status":"online","trading_disabled":false})");
  }
  return list + "]";
}

}  // namespace

unsigned busy_symbols(const Load& load) { return std::max(1U, load.symbols / 5); }
unsigned first_quiet_symbol(const Load& load) { return load.symbols * 2 / 3; }

std::string symbol_name(unsigned symbol) {
  char text[16];
  std::snprintf(text, sizeof text, "S%03uUSD", symbol);
  return text;
}

Micros wall_clock() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

int run_exchange(const Load& load, int port_fd) {
  test::ScriptedServer server;
  const std::string port = std::to_string(server.port()) + "\n";
  if (::write(port_fd, port.data(), port.size()) < 0) return 1;
  if (!server.refuse(200, product_list(load))) throw std::runtime_error("nobody asked for the products");
  Products products(load);
  std::vector<std::unique_ptr<test::ScriptedLink>> links;
  const auto patience = steady_clock::now() + std::chrono::seconds(30);
  while (!products.complete()) {
    if (steady_clock::now() > patience) throw std::runtime_error("not everything was subscribed to");
    if (auto link = server.accept(test::Milliseconds(20))) links.push_back(std::move(link));
    for (auto& link : links) {
      while (const auto request = link->next_text(test::Milliseconds(5))) products.subscribed(*request, *link);
    }
  }
  const auto start = steady_clock::now();
  const auto total = static_cast<std::uint64_t>(load.seconds * load.rate);
  auto looked = start;
  for (std::uint64_t sent = 0; sent < total; ++sent) {
    const auto due = start + std::chrono::nanoseconds(sent * 1'000'000'000 / load.rate);
    const auto now = steady_clock::now();
    if (now < due) std::this_thread::sleep_until(due);
    if (now > due + kLate) throw std::runtime_error("this machine cannot send that fast");
    if (!products.send_next()) throw std::runtime_error("the feed hung up");
    if (now - looked < kLookAtClients) continue;
    looked = now;
    for (auto& link : links) (void)link->next_text(test::Milliseconds(0));  // answers pings
  }
  return 0;
}

}  // namespace bixws::bench

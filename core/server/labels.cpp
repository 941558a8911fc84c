// SPDX-License-Identifier: Apache-2.0
// Labels: looked up when clients ask, never on the hot path.
#include "server/labels.h"

#include "model/config_error.h"
#include "model/nearest.h"
#include "model/symbol.h"

namespace bixws::server {
namespace {
constexpr std::size_t kLongestName = 64;  // what follows costs time in proportion, and clients choose the text
}

Labels::Labels(const Instruments& instruments, std::string first_exchange)
    : instruments_(instruments), first_exchange_(std::move(first_exchange)) {}

void Labels::set_first_exchange(std::string exchange) {
  const std::lock_guard lock(mutex_);
  first_exchange_ = std::move(exchange);
}

std::string Labels::first_exchange() const {
  const std::lock_guard lock(mutex_);
  return first_exchange_;
}

std::string Labels::label(const Instrument& instrument) const {
  if (instrument.symbol.empty()) return {};
  if (instrument.exchange == first_exchange()) return std::string(instrument.symbol);
  return std::string(instrument.exchange) + ':' + std::string(instrument.symbol);
}

std::vector<const Instrument*> Labels::all() const {
  std::vector<const Instrument*> list;
  const std::uint32_t size = instruments_.size();
  for (std::uint32_t id = 0; id < size; ++id) {
    const Instrument& instrument = instruments_.at(id);
    if (!instrument.symbol.empty()) list.push_back(&instrument);
  }
  return list;
}

Labels::Match Labels::find(std::string_view text) const {
  if (text.size() > kLongestName) return {nullptr, "unknown symbol: the name is too long"};
  SymbolQuery query;
  try {
    query = parse_symbol(text);
  } catch (const ConfigError& error) {
    return {nullptr, error.what()};
  }
  const std::string exchange = query.exchange.empty() ? first_exchange() : query.exchange;
  if (const Instrument* exact = instruments_.find(exchange, query.key)) return {exact, {}};
  std::vector<std::string> symbols;
  std::vector<std::string> labels;
  for (const Instrument* instrument : all()) {
    labels.push_back(label(*instrument));
    if (instrument->exchange == exchange) symbols.emplace_back(instrument->symbol);
  }
  const std::size_t colon = text.find(':');
  const SymbolMatch match = match_symbol(colon == std::string_view::npos ? text : text.substr(colon + 1), symbols);
  if (!match.symbol.empty()) return {instruments_.find(exchange, match.symbol), {}};
  if (!symbols.empty() && match.error.find("did you mean") != std::string::npos) return {nullptr, match.error};
  // Perhaps it is another feed's, and only the prefix is missing.
  for (const std::string& name : labels) {
    const std::size_t at = name.find(':');
    if (at != std::string::npos && symbol_key(name.substr(at + 1)) == query.key) {
      return {nullptr, "unknown symbol " + std::string(text) + "; did you mean " + name + "?"};
    }
  }
  return {nullptr, "unknown symbol " + std::string(text) + did_you_mean(text, labels)};
}

}  // namespace bixws::server

// SPDX-License-Identifier: Apache-2.0
// Intake: what could not be read is counted, logged now and then, and told as a gap or a resync.
#include <algorithm>

#include "feed/excerpt.h"
#include "feed/intake.h"
#include "model/event_json.h"

namespace bixws::feed {
namespace {

constexpr Micros kLogInterval = 10'000'000;  // between two log lines about the same fault

std::string reason_of(const Trouble& trouble) {
  switch (trouble.fault) {
    case Fault::number_too_long:
      return excerpt(trouble.field) + " " + excerpt(trouble.text) + " has more than 28 digits";
    case Fault::not_a_number:
      return excerpt(trouble.field) + " \"" + excerpt(trouble.text) + "\" is not a number";
    case Fault::missing_field:
      return "no " + excerpt(trouble.field) + " in the frame";
    case Fault::not_json:
      return "not JSON: " + excerpt(trouble.text);
    case Fault::truncated:
      return "broken JSON: " + excerpt(trouble.text);
    case Fault::unknown_kind:
      break;
  }
  return "unknown: " + excerpt(trouble.text);
}

}  // namespace

const char* fault_text(Fault fault) {
  constexpr const char* texts[kFaults] = {"not JSON",     "broken JSON",   "number too long",
                                          "not a number", "missing field", "unknown kind"};
  return texts[static_cast<std::size_t>(fault)];
}

void Intake::log_fault(const Trouble& trouble) {
  const auto index = static_cast<std::size_t>(trouble.fault);
  if (fault_logged_[index] != 0 && now_ - fault_logged_[index] < kLogInterval) {
    ++fault_unlogged_[index];
    return;
  }
  std::string text = exchange_ + ": ";
  if (!trouble.symbol.empty()) text += excerpt(trouble.symbol) + " ";
  if (trouble.channel != Channel::none) text += std::string(name_of(trouble.channel)) + ": ";
  text += reason_of(trouble);
  if (fault_unlogged_[index] != 0) text += " (and " + std::to_string(fault_unlogged_[index]) + " like it since)";
  fault_logged_[index] = now_;
  fault_unlogged_[index] = 0;
  wishes_.on_log(trouble.fault == Fault::unknown_kind ? LogLevel::debug : LogLevel::warning, text);
}

void Intake::trouble(const Trouble& trouble) noexcept {
  figures_.faults[static_cast<std::size_t>(trouble.fault)].add();
  log_fault(trouble);
  if (trouble.fault == Fault::unknown_kind) return;
  readable_ = false;
  if (connection_ == 0) return;  // REST: asked again

  const std::string reason = reason_of(trouble);
  if (trouble.symbol.empty() || trouble.channel == Channel::none) {
    // Nobody can say what was in it. Books whose updates do not tell that one is missing are lost with it.
    Gap gap;
    gap.reason = reason;
    gap.from_ts = gap.to_ts = now_;
    gap.lost = 1;
    publish_gap(*feed_, gap);
    if (traits_.checksum_levels != 0 || traits_.chain == Chain::contiguous || traits_.chain == Chain::linked) return;
    for (Symbol& symbol : symbols_) {
      const auto& connections = symbol.of(Channel::book).connections;
      if (std::find(connections.begin(), connections.end(), connection_) != connections.end()) {
        lose_book(symbol, connection_, reason, 0, 0);
      }
    }
    return;
  }
  Symbol* symbol = find(trouble.symbol);
  if (symbol == nullptr || !symbol->of(trouble.channel).wanted) return;
  if (trouble.channel == Channel::book) return lose_book(*symbol, connection_, reason, 0, 0);
  Gap gap;
  gap.channel = trouble.channel;
  gap.reason = reason;
  gap.from_ts = gap.to_ts = now_;
  gap.lost = 1;
  publish_gap(*symbol->instrument, gap);
}

}  // namespace bixws::feed

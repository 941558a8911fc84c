// SPDX-License-Identifier: Apache-2.0
// Whose frames a recording has.
#include <algorithm>

#include "model/config_error.h"
#include "native/native_replay.h"
#include "recording/recording.h"

namespace bixws::native {
namespace {

// Every feed begins by asking for the exchange's instruments, and a capture has nothing else.
constexpr std::size_t kPeek = 50'000;

}  // namespace

std::string exchange_of(const std::string& path, std::int64_t session, const std::string& wanted) {
  Instruments instruments;
  recording::SessionReader reader(path, session, instruments);
  std::vector<std::string> found;
  try {
    EventBatch batch;
    for (std::size_t seen = 0; seen < kPeek && reader.next(batch, 1024); seen += batch.size(), batch.clear()) {
      for (const Event& event : std::as_const(batch).events()) {
        if (event.kind != Kind::raw) continue;
        if (std::find(found.begin(), found.end(), event.instrument->exchange) == found.end()) {
          found.emplace_back(event.instrument->exchange);
        }
      }
    }
  } catch (const recording::DamageError&) {
    // What comes before it can be played.
  }
  const std::string where = path + ": session " + std::to_string(reader.session().id);
  if (found.empty()) {
    throw ConfigError(where + " has no frames of an exchange; record with --raw, or import others' captures");
  }
  std::string known;
  for (const std::string& name : found) known += (known.empty() ? "" : ", ") + name;
  if (wanted.empty() && found.size() == 1) return found.front();
  if (wanted.empty()) throw ConfigError(where + " has frames of " + known + "; choose one with --exchange");
  if (std::find(found.begin(), found.end(), wanted) == found.end()) {
    throw ConfigError(where + " has no frames of " + wanted + ", but of " + known);
  }
  return wanted;
}

}  // namespace bixws::native

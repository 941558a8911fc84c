// SPDX-License-Identifier: Apache-2.0
// Any bytes as a protocol message from a server: read or refused with a reason, never a crash, and what was read can be
// written and read again.
#include <cstdlib>

#include "model/event_json.h"
#include "model/event_parse.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bixws::Instruments instruments;  // of this input only: a fuzzer invents names without end
  bixws::MessageParser parser(instruments);
  bixws::EventBatch batch;
  const auto message = parser.parse({reinterpret_cast<const char*>(data), size}, batch);
  if (!message.problem.empty() && !batch.empty()) std::abort();
  for (const bixws::Event& event : batch.events()) {
    bixws::TextBuffer text;
    bixws::append_message(text, event, event.instrument->symbol.empty() ? "X" : event.instrument->symbol);
    bixws::append_canonical(text, event);
  }
  return 0;
}

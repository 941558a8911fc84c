// SPDX-License-Identifier: Apache-2.0
// Traffic: one long text, and where each frame stands in it.
#include "traffic.h"

#include <bixws/dialect.h>

#include <fstream>

namespace bixws::bench {
void Traffic::add(std::string_view frame) {
  begins_.push_back(text_.size());
  text_ += frame;
  ends_.push_back(text_.size());
  text_.append(kFramePadding, '\0');
}

std::string_view Traffic::frame(std::size_t index) const {
  return {text_.data() + begins_[index], ends_[index] - begins_[index]};
}

std::size_t Traffic::bytes() const { return text_.size() - size() * kFramePadding; }

void Traffic::write(const std::string& path) const {
  std::ofstream file(path, std::ios::binary | std::ios::app);
  for (std::size_t i = 0; i < size(); ++i) file << frame(i) << '\n';
}

Recording coinbase_recording(const test::Capture& capture, Part part) {
  Recording recording;
  for (const auto& frame : capture.frames) {
    const auto is = [&](std::string_view type) {
      return frame.payload.find("\"type\":\"" + std::string(type) + "\"") != std::string::npos;
    };
    if (is("match") || (part == Part::all && is("l2update"))) recording.body.add(frame.payload);
    if (part == Part::all && is("snapshot")) recording.opening.add(frame.payload);
  }
  return recording;
}

Recording as_it_is(const test::Capture& capture) {
  Recording recording;
  for (const auto& frame : capture.frames) recording.body.add(frame.payload);
  return recording;
}

}  // namespace bixws::bench

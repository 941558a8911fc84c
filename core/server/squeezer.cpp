// SPDX-License-Identifier: Apache-2.0
// Squeezer: a frame is decompressed alone, so the same bytes serve everybody.
#include "server/squeezer.h"

#include "model/text_buffer.h"
#include "server/run.h"

namespace bixws::server {
namespace {

constexpr char kCompressed = 0x40;  // RSV1

std::string_view payload_of(std::string_view frame) {
  const auto length = static_cast<unsigned char>(frame[1]);
  return frame.substr(length < 126 ? 2 : length == 126 ? 4 : 10);
}

}  // namespace

int Squeezer::window_for(const net::DeflateAgreement& agreement) {
  if (!agreement.agreed || agreement.send_bits < 9) return 0;
  // A smaller window than agreed is always readable.
  return agreement.send_bits >= 15 ? 15 : agreement.send_bits >= 12 ? 12 : 9;
}

std::string Squeezer::squeeze(std::string_view frame, int window) {
  const std::string_view payload = payload_of(frame);
  if (payload.size() < net::deflate_threshold) return std::string(frame);
  const std::string_view squeezed = net::thread_deflater(window).deflate(payload);
  if (squeezed.empty() || squeezed.size() >= payload.size()) return std::string(frame);
  TextBuffer out;
  const std::size_t begin = begin_frame(out);
  out.raw(squeezed);
  const Extent extent = end_frame(out, begin);
  *out.at(extent.offset) = static_cast<char>(*out.at(extent.offset) | kCompressed);
  ++squeezed_;
  saved_ += frame.size() - extent.size;
  return out.str();
}

void Squeezer::begin(std::string_view frame) {
  frame_ = frame;
  for (; windows_made_ > 0; --windows_made_) made_.at(static_cast<std::size_t>(windows_.at(windows_made_ - 1))).clear();
}

std::string_view Squeezer::as(int window) {
  if (window == 0) return frame_;
  std::string& made = made_.at(static_cast<std::size_t>(window));
  if (made.empty()) {
    made = squeeze(frame_, window);
    windows_.at(windows_made_++) = window;
  }
  return made;
}

std::string Squeezer::all(std::string_view frames, int window) {
  std::string out;
  while (!frames.empty()) {
    const std::size_t size = frame_boundary(frames, 1);
    out += squeeze(frames.substr(0, size), window);
    frames.remove_prefix(size);
  }
  return out;
}

}  // namespace bixws::server

// SPDX-License-Identifier: Apache-2.0
// permessage-deflate (RFC 7692): what both ends agree on, and the two directions, without context kept between
// messages unless a server insists.
#include "net/deflate.h"

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>
#include <vector>

#include "net/text.h"

namespace bixws::net {
namespace {

constexpr std::string_view flush_tail("\x00\x00\xff\xff", 4);
constexpr std::size_t keep_inflated = std::size_t{256} * 1024;

struct Parameters {
  bool server_no_context = false;
  bool client_no_context = false;
  std::optional<int> server_bits;
  std::optional<int> client_bits;  // 0: named without a value
};

std::optional<int> window_bits(std::string_view text) {
  if (text.size() == 1 && text[0] >= '8' && text[0] <= '9') return text[0] - '0';
  if (text.size() == 2 && text[0] == '1' && text[1] >= '0' && text[1] <= '5') return 10 + text[1] - '0';
  return std::nullopt;
}

// Every parameter at most once, with a value only where one belongs: anything else voids the offer (section 5.1).
std::optional<Parameters> parse(std::string_view extension) {
  const std::vector<std::string_view> parts = split_list(extension, ';');
  if (parts.empty() || parts[0] != "permessage-deflate") return std::nullopt;
  Parameters result;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::size_t equals = parts[i].find('=');
    const bool valued = equals != std::string_view::npos;
    const std::string_view name = trim(parts[i].substr(0, equals));
    std::string_view value = valued ? trim(parts[i].substr(equals + 1)) : std::string_view();
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    if (name == "server_no_context_takeover" && !valued && !result.server_no_context) {
      result.server_no_context = true;
    } else if (name == "client_no_context_takeover" && !valued && !result.client_no_context) {
      result.client_no_context = true;
    } else if (name == "server_max_window_bits" && valued && !result.server_bits) {
      result.server_bits = window_bits(value);
      if (!result.server_bits) return std::nullopt;
    } else if (name == "client_max_window_bits" && !result.client_bits) {
      result.client_bits = valued ? window_bits(value) : std::optional<int>(0);
      if (!result.client_bits) return std::nullopt;
    } else {
      return std::nullopt;
    }
  }
  return result;
}

}  // namespace

DeflateAnswer answer_deflate_offer(std::string_view offers) {
  for (const std::string_view offer : split_list(offers, ',')) {
    const auto wanted = parse(offer);
    if (!wanted) continue;
    // zlib cannot make raw deflate with a window of 8 bits, so such an offer is left to the next one.
    if (wanted->server_bits == 8) continue;
    DeflateAnswer answer;
    answer.agreement.agreed = true;
    answer.agreement.send_bits = wanted->server_bits.value_or(15);
    answer.header = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    if (wanted->server_bits) answer.header += "; server_max_window_bits=" + std::to_string(*wanted->server_bits);
    return answer;
  }
  return {};
}

std::optional<DeflateAgreement> read_deflate_answer(std::string_view answer) {
  if (split_list(answer, ',').size() != 1) return std::nullopt;
  const auto given = parse(trim(answer));
  if (!given || given->client_bits == 0) return std::nullopt;
  DeflateAgreement agreement;
  agreement.agreed = true;
  agreement.send_bits = given->client_bits.value_or(15);
  if (agreement.send_bits == 8) agreement.send_bits = 0;
  agreement.peer_keeps_context = !given->server_no_context;
  return agreement;
}

Deflater::Deflater(int window_bits, int level) {
  if (::deflateInit2(&zlib_, level, Z_DEFLATED, -window_bits, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("deflateInit2 failed");
  }
}

Deflater::~Deflater() { ::deflateEnd(&zlib_); }

std::string_view Deflater::deflate(std::string_view message) {
  if (output_.capacity() > keep_inflated) std::string().swap(output_);
  ::deflateReset(&zlib_);
  // deflateBound speaks of Z_FINISH; a sync flush may add one more empty block.
  output_.resize(::deflateBound(&zlib_, message.size()) + 16);
  zlib_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(message.data()));
  zlib_.avail_in = static_cast<uInt>(message.size());
  zlib_.next_out = reinterpret_cast<Bytef*>(output_.data());
  zlib_.avail_out = static_cast<uInt>(output_.size());
  if (message.empty()) {  // zlib would write nothing at all; section 7.2.3.6 wants one empty block
    return std::string_view("\x00", 1);
  }
  if (::deflate(&zlib_, Z_SYNC_FLUSH) != Z_OK || zlib_.avail_in != 0 || zlib_.avail_out == 0) return {};
  std::string_view result(output_.data(), output_.size() - zlib_.avail_out);
  if (!result.ends_with(flush_tail)) return {};
  result.remove_suffix(flush_tail.size());
  return result;
}

Inflater::Inflater(bool keep_context) : keep_context_(keep_context) {
  if (::inflateInit2(&zlib_, -15) != Z_OK) throw std::runtime_error("inflateInit2 failed");
}

Inflater::~Inflater() { ::inflateEnd(&zlib_); }

Inflater::Outcome Inflater::inflate(std::string_view compressed, std::size_t cap) {
  if (!keep_context_) ::inflateReset(&zlib_);
  size_ = 0;
  Outcome outcome = run(compressed, cap);
  if (outcome == Outcome::ok) outcome = run(flush_tail, cap);
  // The tail ends a block; if it did not, the message was cut short and the tail was taken for data.
  if (outcome == Outcome::ok && (zlib_.data_type & 128) == 0) outcome = Outcome::broken;
  return outcome;
}

Inflater::Outcome Inflater::run(std::string_view compressed, std::size_t cap) {
  zlib_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  zlib_.avail_in = static_cast<uInt>(compressed.size());
  for (;;) {
    if (size_ == output_.size()) output_.resize(std::min(std::max<std::size_t>(2 * size_, 16384), cap + 1));
    const std::size_t room = output_.size() - size_;
    if (room == 0) return Outcome::too_big;
    zlib_.next_out = reinterpret_cast<Bytef*>(output_.data() + size_);
    zlib_.avail_out = static_cast<uInt>(room);
    const int status = ::inflate(&zlib_, Z_SYNC_FLUSH);
    size_ += room - zlib_.avail_out;
    if (size_ > cap) return Outcome::too_big;
    if (status == Z_STREAM_END) {  // a sender may end a message with a final block (section 7.2.3.4)
      ::inflateReset(&zlib_);
      if (zlib_.avail_in == 0) return Outcome::ok;
    } else if (status == Z_BUF_ERROR || (status == Z_OK && zlib_.avail_in == 0 && zlib_.avail_out != 0)) {
      return Outcome::ok;
    } else if (status != Z_OK) {
      return Outcome::broken;
    }
  }
}

void Inflater::release() {
  if (output_.capacity() > keep_inflated) std::string().swap(output_);
  size_ = 0;
}

Inflater& thread_inflater() {
  thread_local const auto inflater = std::make_unique<Inflater>();
  return *inflater;
}

Deflater& thread_deflater(int window_bits) {
  thread_local std::array<std::unique_ptr<Deflater>, 16> deflaters;
  auto& deflater = deflaters.at(static_cast<std::size_t>(window_bits));
  if (!deflater) deflater = std::make_unique<Deflater>(window_bits);
  return *deflater;
}

}  // namespace bixws::net

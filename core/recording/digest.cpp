// SPDX-License-Identifier: Apache-2.0
// Digest: one pass over the events, one over the groups.
#include "recording/digest.h"

#include <fcntl.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "model/event_json.h"

namespace bixws::recording {
namespace {

[[noreturn]] void temporary_file_failed() {
  throw RecordingError("cannot use a temporary file for the digest: " + std::generic_category().message(errno) +
                       "; point TMPDIR to a folder with room");
}

/// A file that nobody else sees and that is gone with its descriptor.
std::FILE* open_temporary_file() {
  const char* folder = std::getenv("TMPDIR");
  if (folder == nullptr || *folder == '\0') folder = "/tmp";
  const int fd = ::open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  return fd >= 0 ? ::fdopen(fd, "w+b") : std::tmpfile();
}

/// A gap belongs to the channel it tears a hole into; candles of each timeframe are a channel of their own.
Channel group_channel(const Event& event) {
  return event.kind == Kind::gap ? event.gap().channel : channel_of(event.kind);
}

}  // namespace

void Digest::FreeContext::operator()(ZSTD_CCtx_s* context) const { ZSTD_freeCCtx(context); }

Digest::Digest(std::size_t memory) : memory_(memory), zstd_(ZSTD_createCCtx()) {}
Digest::~Digest() = default;

Digest::Group& Digest::group_of(const Event& event) {
  const Instrument& instrument = *event.instrument;
  const Channel channel = group_channel(event);
  const bool candle = event.kind == Kind::candle;
  if (instrument.id >= cache_.size()) cache_.resize(instrument.id + 1);
  Cached& cached = cache_[instrument.id];
  Group*& known = cached.groups[static_cast<std::size_t>(channel)];
  if (known != nullptr && !candle) return *known;
  TextBuffer name;
  name.raw(name_of(channel));
  if (candle) {
    name.raw(':');
    append_timeframe(name, event.candle().seconds);
  }
  Group& group = groups_[{std::string(instrument.exchange), std::string(instrument.symbol), name.str()}];
  if (!candle) known = &group;
  // Many groups share what one may hold.
  block_bytes_ = std::max<std::size_t>(std::size_t{4} << 10,
                                       std::min(std::size_t{256} << 10, (std::size_t{16} << 20) / groups_.size()));
  return group;
}

void Digest::add(const Event& event) {
  if (event.kind == Kind::status || event.kind == Kind::raw || (event.kind == Kind::gap && event.gap().client)) return;
  Group& group = group_of(event);
  append_canonical(group.pending, event);
  group.pending.raw('\n');
  ++events_;
  if (group.pending.size() >= block_bytes_) spill(group);
}

void Digest::spill(Group& group) {
  const std::string_view text = group.pending.view();
  compressed_.resize(ZSTD_compressBound(text.size()));
  const std::size_t size =
      ZSTD_compressCCtx(zstd_.get(), compressed_.data(), compressed_.size(), text.data(), text.size(), 1);
  if (ZSTD_isError(size) != 0) throw RecordingError("cannot compress for the digest");
  if (!file_ && end_ + size <= memory_) {
    blocks_.append(compressed_.data(), size);
  } else {
    if (!file_) {
      file_.reset(open_temporary_file());
      if (!file_) temporary_file_failed();
      memory_ = blocks_.size();
    }
    if (std::fwrite(compressed_.data(), 1, size, file_.get()) != size) temporary_file_failed();
  }
  group.blocks.push_back({end_, size, text.size()});
  end_ += size;
  group.pending.clear();
}

void Digest::read(const Block& block, std::string& into) {
  const char* from = nullptr;
  if (!file_ || block.offset < memory_) {
    from = blocks_.data() + block.offset;
  } else {
    compressed_.resize(std::max(compressed_.size(), block.size));
    if (::fseeko(file_.get(), static_cast<off_t>(block.offset - memory_), SEEK_SET) != 0 ||
        std::fread(compressed_.data(), 1, block.size, file_.get()) != block.size) {
      temporary_file_failed();
    }
    from = compressed_.data();
  }
  into.resize(block.text);
  if (ZSTD_decompress(into.data(), into.size(), from, block.size) != block.text) temporary_file_failed();
}

Hash Digest::finish() {
  if (file_ && std::fflush(file_.get()) != 0) temporary_file_failed();
  Sha256 sum;
  std::string text;
  for (const auto& [key, group] : groups_) {
    for (const Block& block : group.blocks) {
      read(block, text);
      sum.add(text);
    }
    sum.add(group.pending.view());
  }
  return sum.finish();
}

}  // namespace bixws::recording

// SPDX-License-Identifier: Apache-2.0
// Descriptors in one line, for plugins with fixed names: what every descriptor has in common is filled in.
#pragma once

#include <bixws/plugin.h>

#include <cstddef>

namespace bixws {
namespace detail {

constexpr Descriptor describe(const char* kind, const char* name, const char* version, const char* description,
                              const Option* options, std::size_t count) {
  Descriptor d{};
  d.magic = kPluginMagic;
  d.abi_major = BIXWS_ABI_MAJOR;
  d.abi_minor = BIXWS_ABI_MINOR;
  d.struct_size = sizeof(Descriptor);
  d.toolchain = BIXWS_TOOLCHAIN;
  d.kind = kind;
  d.name = name;
  d.version = version;
  d.description = description;
  d.options = options;
  d.option_count = static_cast<std::uint32_t>(count);
  return d;
}

}  // namespace detail

using MakeSink = Sink* (*)(const Settings&, Error&) noexcept;
using MakeSource = FeedSource* (*)(const Settings&, Error&) noexcept;

/// A sink without options.
constexpr Descriptor describe_sink(const char* name, const char* version, const char* description, MakeSink make) {
  Descriptor d = detail::describe("sink", name, version, description, nullptr, 0);
  d.make_sink = make;
  return d;
}
template <std::size_t N>
constexpr Descriptor describe_sink(const char* name, const char* version, const char* description,
                                   const Option (&options)[N], MakeSink make) {
  Descriptor d = detail::describe("sink", name, version, description, options, N);
  d.make_sink = make;
  return d;
}

/// A feed that brings its own way of getting data, without and with options.
constexpr Descriptor describe_feed(const char* name, const char* version, const char* description, MakeSource make) {
  Descriptor d = detail::describe("feed", name, version, description, nullptr, 0);
  d.make_source = make;
  return d;
}
template <std::size_t N>
constexpr Descriptor describe_feed(const char* name, const char* version, const char* description,
                                   const Option (&options)[N], MakeSource make) {
  Descriptor d = detail::describe("feed", name, version, description, options, N);
  d.make_source = make;
  return d;
}

}  // namespace bixws

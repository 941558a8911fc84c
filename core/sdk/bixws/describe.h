// SPDX-License-Identifier: Apache-2.0
// Descriptors in one line, for plugins with fixed names: what every descriptor has in common is filled in.
#pragma once

#include <bixws/plugin.h>

#include <span>

namespace bixws {
namespace detail {

constexpr Descriptor describe(const char* kind, const char* name, const char* version, const char* description,
                              std::span<const Option> options) {
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
  d.options = options.data();
  d.option_count = static_cast<std::uint32_t>(options.size());
  return d;
}

}  // namespace detail

using MakeSink = Sink* (*)(const Settings&, Error&) noexcept;
using MakeSource = FeedSource* (*)(const Settings&, Error&) noexcept;
using MakeDialect = Dialect* (*)(const Settings&, Error&) noexcept;

// `options`: an array of Option, or {} for a plugin without any.

constexpr Descriptor describe_sink(const char* name, const char* version, const char* description,
                                   std::span<const Option> options, MakeSink make) {
  Descriptor d = detail::describe("sink", name, version, description, options);
  d.make_sink = make;
  return d;
}

/// A feed that brings its own way of getting data.
constexpr Descriptor describe_feed(const char* name, const char* version, const char* description,
                                   std::span<const Option> options, MakeSource make) {
  Descriptor d = detail::describe("feed", name, version, description, options);
  d.make_source = make;
  return d;
}

/// A feed that is a dialect; the core does the rest.
constexpr Descriptor describe_dialect(const char* name, const char* version, const char* description,
                                      std::span<const Option> options, MakeDialect make) {
  Descriptor d = detail::describe("feed", name, version, description, options);
  d.make_dialect = make;
  return d;
}

}  // namespace bixws

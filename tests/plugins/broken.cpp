// SPDX-License-Identifier: Apache-2.0
// One way to be wrong per macro; what no macro touches is right.
#include <bixws/plugin.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

namespace {

using namespace bixws;

[[maybe_unused]] FeedSource* make_source(const Settings&, Error&) noexcept { return nullptr; }
[[maybe_unused]] Sink* make_sink(const Settings&, Error&) noexcept { return nullptr; }

[[maybe_unused]] const Option kOptions[] = {
    {"key", OptionType::string, "", "a key"},
#ifdef BROKEN_TWICE_THE_OPTION
    {"key", OptionType::string, "", "the same key"},
#endif
#ifdef BROKEN_BAD_OPTIONS
    {nullptr, OptionType::string, "", "no name"},
#endif
};

[[maybe_unused]] Descriptor descriptor() {
  Descriptor d{};
  d.magic = kPluginMagic;
  d.abi_major = BIXWS_ABI_MAJOR;
  d.abi_minor = BIXWS_ABI_MINOR;
  d.struct_size = sizeof d;
  d.toolchain = BIXWS_TOOLCHAIN;
  d.kind = "feed";
  d.name = "broken";
  d.version = "1";
  d.description = "broken in one way";
  d.options = kOptions;
  d.option_count = sizeof kOptions / sizeof kOptions[0];
  d.make_source = make_source;
#ifdef BROKEN_NOT_A_DESCRIPTOR
  d.magic = 42;
#endif
#ifdef BROKEN_WRONG_MAJOR
  d.abi_major = BIXWS_ABI_MAJOR + 1;
#endif
#ifdef BROKEN_NEWER_MINOR
  d.abi_minor = BIXWS_ABI_MINOR + 1;
#endif
#ifdef BROKEN_WRONG_SIZE
  d.struct_size = 8;
#endif
#ifdef BROKEN_WRONG_TOOLCHAIN
  d.toolchain = "msvc-1999";
#endif
#ifdef BROKEN_WRONG_NAME
  d.name = "whole";
#endif
#ifdef BROKEN_NO_MAKER
  d.make_source = nullptr;
#endif
#ifdef BROKEN_TWO_MAKERS
  d.make_sink = make_sink;
#endif
  return d;
}

[[maybe_unused]] void crash() {
  volatile int* volatile nowhere = nullptr;
  *nowhere = 1;
}

struct AtLoad {
  AtLoad() {
#ifdef BROKEN_CRASHES_BEFORE_MAIN
    crash();
#endif
#ifdef BROKEN_THROWS_BEFORE_MAIN
    throw std::runtime_error("thrown by a constructor");
#endif
  }
} at_load;

}  // namespace

#ifdef BROKEN_UNDEFINED_SYMBOL
extern "C" void bixws_there_is_no_such_function();
#endif

#ifndef BROKEN_NO_SYMBOL
// Not declared as the header has it, noexcept, but as a careless author may have it.
extern "C" __attribute__((visibility("default"))) const bixws::Descriptor* careless_entry() __asm__("bixws_plugin_v1");

extern "C" const bixws::Descriptor* careless_entry() {
#ifdef BROKEN_DECLINES
  return nullptr;
#endif
#ifdef BROKEN_THROWS
  throw std::runtime_error("no licence on this machine");
#endif
#ifdef BROKEN_CRASHES
  crash();
#endif
#ifdef BROKEN_EXITS
  std::exit(7);
#endif
#ifdef BROKEN_HANGS
  for (;;) ::pause();
#endif
#ifdef BROKEN_UNDEFINED_SYMBOL
  bixws_there_is_no_such_function();
#endif
  static const bixws::Descriptor kDescriptor = descriptor();
  return &kDescriptor;
}
#endif

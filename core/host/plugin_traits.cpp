// SPDX-License-Identifier: Apache-2.0
// Traits: the file a descriptor came from, and the symbol it may have.
#include "host/plugin_traits.h"

#include <dlfcn.h>

namespace bixws::host {

std::uint32_t traits_of(const Descriptor& plugin) {
  Dl_info info{};
  if (::dladdr(&plugin, &info) == 0 || info.dli_fname == nullptr) return 0;
  void* library = ::dlopen(info.dli_fname, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
  if (library == nullptr) return 0;
  const auto ask = reinterpret_cast<std::uint32_t (*)()>(::dlsym(library, "bixws_plugin_traits"));
  const std::uint32_t traits = ask == nullptr ? 0 : ask();
  ::dlclose(library);  // one reference less; the plugin stays
  return traits;
}

}  // namespace bixws::host

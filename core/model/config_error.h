// SPDX-License-Identifier: Apache-2.0
// ConfigError: what the user asked for cannot be done as asked; main answers it with exit code 2.
#pragma once

#include <stdexcept>

namespace bixws {

/// The text says what is wrong, where it was said, and what to do next; it stands alone after "bixws: ".
struct ConfigError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace bixws

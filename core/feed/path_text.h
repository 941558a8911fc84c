// SPDX-License-Identifier: Apache-2.0
// PathText: what a dialect writes of a REST path, as a string.
#pragma once

#include <bixws/dialect.h>

#include <string>

namespace bixws::feed {

class PathText final : public TextOut {
 public:
  void append(Text text) noexcept override { text_ += text; }
  std::string text_;
};

}  // namespace bixws::feed

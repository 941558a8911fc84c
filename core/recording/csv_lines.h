// SPDX-License-Identifier: Apache-2.0
// CSV lines: events as rows of comma-separated values, one kind of event a file.
#pragma once

#include <bixws/event.h>

#include <string_view>

#include "model/text_buffer.h"

namespace bixws::recording {

/// The names of the columns, with the end of the line. Of raw frames there are none.
[[nodiscard]] std::string_view csv_header(Kind kind);
/// A line for each trade and each level of a book, one for other events; texts quoted as RFC 4180 has it where they
/// need it, and nothing where a value is not known.
void append_csv(TextBuffer& out, const Event& event);

}  // namespace bixws::recording

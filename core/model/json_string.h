// SPDX-License-Identifier: Apache-2.0
// JSON strings: the one place where text gets its quotes and escapes.
#pragma once

#include <cstddef>
#include <string_view>

namespace bixws {

/// Room that write_json_string() needs for a text of that many bytes; more than it fills.
constexpr std::size_t json_string_room(std::size_t bytes) { return bytes * 6 + 16; }

/// Writes the text as a JSON string (RFC 8259, section 7) with its quotes and returns the end of it. Bytes above 0x7f
/// pass as they are: inputs are UTF-8. REQUIRES: json_string_room(text.size()) bytes at `to`.
char* write_json_string(char* to, std::string_view text);

/// The same a byte at a time, as every processor can; what write_json_string() does where it knows nothing better.
char* write_json_string_bytewise(char* to, std::string_view text);

}  // namespace bixws

// SPDX-License-Identifier: Apache-2.0
// A small JSON Schema validator (the part of draft 2020-12 that docs/protocol.schema.json uses), for holding live
// traffic against it. Stricter than the standard in one thing: a property that no schema names is an error, so that the
// schema cannot fall behind what is sent.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "support/raw_json.h"

namespace bixws::test {

class JsonSchema {
 public:
  // Throws std::runtime_error for a text that is no schema, or uses a keyword that is not known here.
  explicit JsonSchema(std::string_view text);
  // docs/protocol.schema.json of the source folder.
  static JsonSchema of_protocol(const std::string& source_dir);

  // What is wrong with the text as an instance of `$defs`/NAME: "data[3].price: ..." a line; empty: nothing.
  std::vector<std::string> problems(std::string_view text, std::string_view definition) const;

 private:
  // Properties of an object that some schema has named.
  using Named = std::set<std::string, std::less<>>;

  void check_keywords(const RawJson& schema) const;
  const RawJson& resolve(std::string_view reference) const;
  void apply(const RawJson& schema, const RawJson& value, const std::string& path, Named& named,
             std::vector<std::string>& problems) const;
  void apply_object(const RawJson& schema, const RawJson& value, const std::string& path, Named& named,
                    std::vector<std::string>& problems) const;
  void apply_array(const RawJson& schema, const RawJson& value, const std::string& path,
                   std::vector<std::string>& problems) const;
  void whole(const RawJson& schema, const RawJson& value, const std::string& path,
             std::vector<std::string>& problems) const;
  bool fits(const RawJson& schema, const RawJson& value) const;

  RawJson root_;
};

}  // namespace bixws::test

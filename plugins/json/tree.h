// SPDX-License-Identifier: Apache-2.0
// Tree: one JSON text with every scalar as it was written, to be asked by RFC 6901 pointers that are known only at run
// time.
#pragma once

#include <bixws/event.h>
#include <simdjson.h>

#include <cstdint>
#include <string>
#include <vector>

namespace bixws::json {

struct Node {
  enum class Type : std::uint8_t { null, scalar, string, object, array };
  Type type = Type::null;
  Text key;                ///< of a member
  Text text;               ///< scalar: as written; string: unescaped
  std::uint32_t next = 0;  ///< the following member or item; 0: none
  std::uint32_t first = 0;
  [[nodiscard]] bool container() const { return type == Type::object || type == Type::array; }
};

/// "/data/0/price", relative to where a search begins. "^/data": relative to the whole message.
class Pointer {
 public:
  Pointer() = default;
  /// False: `text` is no pointer.
  bool parse(Text text);
  /// False: it was never given.
  explicit operator bool() const { return given_; }

 private:
  friend class Tree;
  struct Step {
    std::string key;
    std::uint32_t index = 0;  ///< of an array
    bool number = false;
  };
  bool given_ = false;
  bool from_root_ = false;
  std::vector<Step> steps_;
};

/// Reused for one text after the other; texts of nodes live until the next one. Not thread-safe.
class Tree {
 public:
  enum class Outcome : std::uint8_t { good, broken, too_large };
  /// `text` is followed by kFramePadding bytes.
  Outcome read(Text text);

  [[nodiscard]] const Node& root() const { return nodes_[0]; }
  /// nullptr: nothing there.
  [[nodiscard]] const Node* find(const Node& from, const Pointer& pointer) const;
  /// Its text; empty if there is nothing, or no scalar.
  [[nodiscard]] Text text(const Node& from, const Pointer& pointer) const {
    const Node* node = pointer ? find(from, pointer) : nullptr;
    return node == nullptr ? Text() : node->text;
  }
  template <typename Visit>
  void each(const Node& container, Visit&& visit) const {
    for (std::uint32_t at = container.first; at != 0; at = nodes_[at].next) visit(nodes_[at]);
  }

 private:
  bool add(simdjson::ondemand::value value, Text key, std::uint32_t at, unsigned depth);
  bool add_members(simdjson::ondemand::object object, std::uint32_t parent, unsigned depth);
  bool add_items(simdjson::ondemand::array array, std::uint32_t parent, unsigned depth);
  void link(std::uint32_t parent, std::uint32_t& last, std::uint32_t child);

  simdjson::ondemand::parser parser_;
  std::vector<Node> nodes_;
  bool too_large_ = false;
};

}  // namespace bixws::json

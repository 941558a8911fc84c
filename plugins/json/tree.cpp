// SPDX-License-Identifier: Apache-2.0
// Tree: a flat list of nodes, filled in one pass.
#include "tree.h"

#include <bixws/dialect.h>

#include <charconv>

namespace bixws::json {
namespace {

constexpr std::size_t kMostNodes = std::size_t{1} << 20;
constexpr unsigned kDeepest = 64;

Text trimmed(Text text) {
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

bool Pointer::parse(Text text) {
  from_root_ = text.starts_with('^');
  if (from_root_) text.remove_prefix(1);
  steps_.clear();
  given_ = text.empty() || text.front() == '/';
  while (given_ && !text.empty()) {
    text.remove_prefix(1);
    const Text part = text.substr(0, text.find('/'));
    text.remove_prefix(part.size());
    Step step;
    for (std::size_t i = 0; i < part.size(); ++i) {
      if (part[i] != '~') {
        step.key += part[i];
      } else if (i + 1 < part.size() && (part[i + 1] == '0' || part[i + 1] == '1')) {
        step.key += part[++i] == '0' ? '~' : '/';
      } else {
        return given_ = false;
      }
    }
    const auto end = step.key.data() + step.key.size();
    const auto result = std::from_chars(step.key.data(), end, step.index);
    step.number = result.ec == std::errc() && result.ptr == end;
    steps_.push_back(std::move(step));
  }
  return given_;
}

Tree::Outcome Tree::read(Text text) {
  nodes_.clear();
  nodes_.emplace_back();
  too_large_ = false;
  auto document = parser_.iterate(simdjson::padded_string_view(text.data(), text.size(), text.size() + kFramePadding));
  if (document.error() != simdjson::SUCCESS) return Outcome::broken;
  auto& whole = document.value_unsafe();
  auto type = whole.type();
  if (type.error() != simdjson::SUCCESS) return Outcome::broken;
  bool good = false;
  if (type.value_unsafe() == simdjson::ondemand::json_type::object) {
    nodes_[0].type = Node::Type::object;
    auto object = whole.get_object();
    good = object.error() == simdjson::SUCCESS && add_members(object.value_unsafe(), 0, 0);
  } else if (type.value_unsafe() == simdjson::ondemand::json_type::array) {
    nodes_[0].type = Node::Type::array;
    auto array = whole.get_array();
    good = array.error() == simdjson::SUCCESS && add_items(array.value_unsafe(), 0, 0);
  }
  if (too_large_) return Outcome::too_large;
  // Text behind the end is as wrong as an end that is missing.
  return good && whole.current_location().error() == simdjson::OUT_OF_BOUNDS ? Outcome::good : Outcome::broken;
}

void Tree::link(std::uint32_t parent, std::uint32_t& last, std::uint32_t child) {
  (last == 0 ? nodes_[parent].first : nodes_[last].next) = child;
  last = child;
}

bool Tree::add_members(simdjson::ondemand::object object, std::uint32_t parent, unsigned depth) {
  std::uint32_t last = 0;
  for (auto member : object) {
    if (member.error() != simdjson::SUCCESS) return false;
    auto key = member.unescaped_key();
    if (key.error() != simdjson::SUCCESS) return false;
    const auto child = static_cast<std::uint32_t>(nodes_.size());
    if (!add(member.value().value_unsafe(), key.value_unsafe(), child, depth)) return false;
    link(parent, last, child);
  }
  return true;
}

bool Tree::add_items(simdjson::ondemand::array array, std::uint32_t parent, unsigned depth) {
  std::uint32_t last = 0;
  for (auto item : array) {
    if (item.error() != simdjson::SUCCESS) return false;
    const auto child = static_cast<std::uint32_t>(nodes_.size());
    if (!add(item.value_unsafe(), {}, child, depth)) return false;
    link(parent, last, child);
  }
  return true;
}

bool Tree::add(simdjson::ondemand::value value, Text key, std::uint32_t at, unsigned depth) {
  if (nodes_.size() >= kMostNodes || depth >= kDeepest) {
    too_large_ = true;
    return false;
  }
  nodes_.emplace_back().key = key;
  auto type = value.type();
  if (type.error() != simdjson::SUCCESS) return false;
  switch (type.value_unsafe()) {
    case simdjson::ondemand::json_type::object: {
      nodes_[at].type = Node::Type::object;
      auto object = value.get_object();
      return object.error() == simdjson::SUCCESS && add_members(object.value_unsafe(), at, depth + 1);
    }
    case simdjson::ondemand::json_type::array: {
      nodes_[at].type = Node::Type::array;
      auto array = value.get_array();
      return array.error() == simdjson::SUCCESS && add_items(array.value_unsafe(), at, depth + 1);
    }
    case simdjson::ondemand::json_type::string: {
      nodes_[at].type = Node::Type::string;
      auto text = value.get_string();
      if (text.error() != simdjson::SUCCESS) return false;
      nodes_[at].text = text.value_unsafe();
      return true;
    }
    default: {
      const Text token = trimmed(value.raw_json_token());
      if (token == "null") return true;
      nodes_[at].type = Node::Type::scalar;
      nodes_[at].text = token;
      return true;
    }
  }
}

const Node* Tree::find(const Node& from, const Pointer& pointer) const {
  const Node* node = pointer.from_root_ ? nodes_.data() : &from;
  for (const Pointer::Step& step : pointer.steps_) {
    std::uint32_t at = node->first;
    if (node->type == Node::Type::object) {
      while (at != 0 && nodes_[at].key != step.key) at = nodes_[at].next;
    } else if (node->type == Node::Type::array && step.number) {
      for (std::uint32_t i = 0; at != 0 && i < step.index; ++i) at = nodes_[at].next;
    } else {
      return nullptr;
    }
    if (at == 0) return nullptr;
    node = &nodes_[at];
  }
  return node;
}

}  // namespace bixws::json

// SPDX-License-Identifier: Apache-2.0
// Optimal string alignment distance over three rows; names are short, so clarity before speed.
#include "model/nearest.h"

#include <algorithm>
#include <vector>

namespace bixws {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr std::size_t kListed = 12;  // more names than this are noise in an error message

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t cost = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + cost});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1])) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::string nearest(std::string_view word, std::span<const std::string> known) {
  const std::size_t limit = std::max<std::size_t>(1, word.size() / 3);
  const std::string* best = nullptr;
  std::size_t best_distance = limit + 1;
  for (const std::string& name : known) {
    const std::size_t difference = std::max(name.size(), word.size()) - std::min(name.size(), word.size());
    if (difference >= best_distance) continue;
    const std::size_t distance = edit_distance(word, name);
    if (distance < best_distance) {
      best_distance = distance;
      best = &name;
    }
  }
  return best != nullptr ? *best : std::string();
}

std::string did_you_mean(std::string_view word, std::span<const std::string> known) {
  if (known.empty()) return {};
  if (const std::string near = nearest(word, known); !near.empty()) return "; did you mean " + near + "?";
  std::string text = "; known: ";
  for (std::size_t i = 0; i < known.size() && i < kListed; ++i) {
    if (i != 0) text += ", ";
    text += known[i];
  }
  if (known.size() > kListed) text += ", ...";
  return text;
}

}  // namespace bixws

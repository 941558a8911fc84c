// SPDX-License-Identifier: Apache-2.0
// The picture: a pure function of what is known, what the user chose, the terminal and the time.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "terminal/cells.h"
#include "terminal/model.h"
#include "terminal/painter.h"

namespace bixws::terminal {

enum class View : std::uint8_t { table, trades, book, chart };
inline constexpr std::array<View, 4> kViews = {View::table, View::trades, View::book, View::chart};
[[nodiscard]] std::string_view name_of(View view);

enum class SortKey : std::uint8_t { given, symbol, price, change, spread, volume, age };
inline constexpr int kSortKeys = 7;
[[nodiscard]] std::string_view name_of(SortKey key);

enum class Prompt : std::uint8_t { none, filter, add };

/// What the user chose. Changed by keys (control.h) only.
struct Choices {
  std::vector<View> views = {View::table};  ///< shown side by side where there is room, in this order
  View focus = View::table;                 ///< the one shown where there is not; always one of `views`
  bool zoomed = false;                      ///< only the focus, room or not
  SortKey sort = SortKey::given;
  bool descending = false;
  std::string filter;
  std::string selected;  ///< label; empty: the first row
  Prompt prompt = Prompt::none;
  std::string input;
  int scroll = 0;  ///< lines down in the trades or the book
  std::int32_t timeframe = 60;
  bool help = false;
  bool paused = false;
};

/// Everything draw() reads.
struct Scene {
  const Model& model;             ///< the newest
  const Model* frozen = nullptr;  ///< paused: what the panes show instead
  const Choices& choices;
  Capabilities capabilities;
  Micros now = 0;
};

struct Pane {
  View view = View::table;
  Rect area;
};

/// Which views are visible, and where.
[[nodiscard]] std::vector<Pane> panes_of(const Choices& choices, Size size);
/// Rows in the order shown, filtered.
[[nodiscard]] std::vector<const Row*> rows_of(const Model& model, const Choices& choices, Micros now);
/// The row that trades, book and chart are about; nullptr if there is none.
[[nodiscard]] const Row* selected_row(const Model& model, const Choices& choices, Micros now);

[[nodiscard]] Screen draw(const Scene& scene, Size size);

/// When the picture will change without any event: the end of a flash, the next second of an age or of a countdown.
[[nodiscard]] Micros next_change(const Model& model, Micros now);

/// How long a changed price stays lit.
inline constexpr Micros kFlash = 400'000;

/// One line without any cursor movement: for terminals that can only print. Names the row's newest values.
[[nodiscard]] std::string plain_line(const Model& model, const Row& row, Micros now);
/// "connected to ...", "not connected: ...; next attempt in 4s"
[[nodiscard]] std::string link_text(const Model& model, Micros now);

}  // namespace bixws::terminal

// SPDX-License-Identifier: Apache-2.0
// The picture as a whole: header, panes, status line, prompts.
#include "terminal/view.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>

#include "model/event_json.h"
#include "terminal/numbers.h"
#include "terminal/panes.h"

namespace bixws::terminal {
namespace {

constexpr int kHeaderLines = 1;
constexpr int kStatusLines = 1;
constexpr Micros kNoticeShown = 10'000'000;

constexpr int smallest_width(View view) { return view == View::table ? 79 : 38; }
constexpr int kSmallestPaneHeight = 8;

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

double number_or(const Decimal& d, double fallback) { return d.has_value() ? d.to_double() : fallback; }

double sort_value(const Row& row, SortKey key, Micros now) {
  constexpr double kLast = -1e300;
  const Ticker& t = row.ticker;
  switch (key) {
    case SortKey::price:
      return number_or(t.price, kLast);
    case SortKey::change:
      return number_or(t.change_24h, kLast);
    case SortKey::spread: {
      // Of the price, or cheap coins would always have the narrowest.
      const double bid = number_or(t.bid, 0);
      const double ask = number_or(t.ask, 0);
      return bid > 0 && ask > 0 ? (ask - bid) / ask : kLast;
    }
    case SortKey::volume:
      return number_or(t.quote_volume_24h, number_or(t.volume_24h, 0) * number_or(t.price, 0));
    case SortKey::age:
      return row.has_ticker ? static_cast<double>(now - row.updated_at) : kLast;
    default:
      return 0;
  }
}

void draw_header(const Scene& scene, Screen& screen, const std::vector<Pane>& panes) {
  const Choices& c = scene.choices;
  int x = screen.text(0, 0, "bixws ", {Ink::accent, true});
  int number = 0;
  for (const View view : kViews) {
    ++number;
    const bool shown = std::any_of(panes.begin(), panes.end(), [view](const Pane& p) { return p.view == view; });
    const bool focused = c.focus == view;
    // In a replay digits are speeds, and Tab is the way to the views.
    const std::string key = scene.model.replay().has_value() ? "" : std::to_string(number) + " ";
    const std::string tab = " " + key + std::string(name_of(view)) + " ";
    x = screen.text(x, 0, tab, {focused ? Ink::accent : shown ? Ink::normal : Ink::dim, focused, focused});
  }
  const std::size_t shown = rows_of(scene.model, c, scene.now).size();
  const std::size_t all = scene.model.rows().size();
  std::string right = std::to_string(all) + (all == 1 ? " symbol" : " symbols");
  if (shown != all) right = std::to_string(shown) + " of " + right;
  if (!c.filter.empty()) right = "filter \"" + c.filter + "\"  " + right;
  if (c.sort != SortKey::given) {
    right = "by " + std::string(name_of(c.sort)) + (c.descending ? " down" : " up") + "  " + right;
  }
  screen.text_right(screen.size().width, 0, right, {Ink::dim}, x + 2);
}

/// Pieces of the status line, the least important last: what does not fit is left out.
struct Piece {
  std::string text;
  Style style;
};

Piece link_piece(const Scene& scene) {
  const Link& link = scene.model.link();
  const bool utf8 = scene.capabilities.utf8;
  switch (link.state) {
    case LinkState::up:
      return {utf8 ? "● live" : "* live", {Ink::up, true}};
    case LinkState::connecting:
      return {utf8 ? "○ connecting" : "o connecting", {Ink::warning, true}};
    case LinkState::waiting: {
      const Micros left = std::max<Micros>(link.retry_at - scene.now, 0);
      const std::string in = std::to_string((left + 999'999) / 1'000'000) + "s";
      return {std::string(utf8 ? "○" : "o") + " disconnected, retry in " + in, {Ink::warning, true, true}};
    }
    case LinkState::ended:
      return {utf8 ? "■ ended" : "# ended", {Ink::accent, true}};
  }
  return {};
}

std::vector<Piece> status_pieces(const Scene& scene) {
  const Model& model = scene.model;
  std::vector<Piece> pieces = {link_piece(scene)};
  const Link& link = model.link();
  if (scene.choices.paused) {
    std::string text = "PAUSED";
    if (scene.frozen != nullptr) text += " +" + std::to_string(model.events() - scene.frozen->events());
    pieces.push_back({text, {Ink::accent, true, true}});
  }
  if (const auto& replay = model.replay()) {
    std::string text = "replay " + clock_time(replay->position, false);
    char speed[32];
    std::snprintf(speed, sizeof speed, " x%g", replay->speed);
    text += replay->speed > 0 ? speed : " max";
    if (replay->state != "playing") text += " " + replay->state;
    pieces.push_back({text, {Ink::accent}});
  }
  if (link.state == LinkState::waiting && !link.reason.empty()) pieces.push_back({link.reason, {Ink::warning}});
  if (link.state == LinkState::ended && !link.reason.empty()) pieces.push_back({link.reason, {Ink::normal}});
  for (const auto& [name, feed] : model.feeds()) {
    if (feed.state == FeedState::none || feed.state == FeedState::live) continue;
    if (feed.state == FeedState::ended && link.state == LinkState::ended) continue;
    pieces.push_back({name + " " + std::string(name_of(feed.state)), {Ink::warning, true}});
  }
  if (model.gaps() > 0) pieces.push_back({"gaps " + std::to_string(model.gaps()), {Ink::warning}});
  if (model.drops() > 0) pieces.push_back({"drops " + std::to_string(model.drops()), {Ink::warning}});
  if (link.state == LinkState::up) {
    if (model.lag_us() != kUnknown) pieces.push_back({"lag " + delay(model.lag_us()), {}});
    const double rate = model.rate(scene.now);
    const std::string figure = rate < 1000 ? std::to_string(std::lround(rate)) : compact(rate);
    pieces.push_back({(rate > 0 && rate < 0.5 ? "<1" : figure) + "/s", {}});
  }
  if (model.gaps() == 0) pieces.push_back({"gaps 0", {Ink::dim}});
  if (model.drops() == 0) pieces.push_back({"drops 0", {Ink::dim}});
  pieces.push_back({link.source, {Ink::dim}});
  for (const auto& [name, feed] : model.feeds()) {
    if (feed.state == FeedState::live) pieces.push_back({name, {Ink::dim}});
  }
  return pieces;
}

void draw_status(const Scene& scene, Screen& screen) {
  const auto [width, height] = screen.size();
  const int y = height - 1;
  const std::string help = "? help";
  const int end = width - width_of(help) - 2;
  int x = 0;
  for (const Piece& piece : status_pieces(scene)) {
    if (piece.text.empty()) continue;
    const int wide = width_of(piece.text);
    const int gap = x == 0 ? 0 : 2;
    if (x + gap + wide > end) {
      // The first pieces are what must be seen: cut rather than left out. A later, shorter one may still fit.
      if (x < width / 3) x = screen.text(x + gap, y, piece.text, piece.style, end);
      continue;
    }
    x = screen.text(x + gap, y, piece.text, piece.style);
  }
  screen.text_right(width, y, help, {Ink::dim}, x + 1);
}

/// The line above the status line while there is something to say or to ask; false if there is not.
bool draw_message(const Scene& scene, Screen& screen) {
  const auto [width, height] = screen.size();
  const Rect line{0, height - 2, width, 1};
  const Choices& c = scene.choices;
  if (c.prompt != Prompt::none) {
    screen.fill(line, U' ');
    const std::string what = c.prompt == Prompt::filter ? "filter: " : "add symbol: ";
    int x = screen.text(0, line.y, what, {Ink::accent, true});
    x = screen.text(x, line.y, c.input);
    screen.put(x, line.y, U' ', {Ink::normal, false, true});
    screen.text_right(width, line.y, "Enter accepts, Esc leaves", {Ink::dim}, x + 2);
    return true;
  }
  const Notice& notice = scene.model.notice();
  if (notice.text.empty() || scene.now - notice.at >= kNoticeShown) return false;
  screen.fill(line, U' ');
  screen.text(0, line.y, notice.text, {Ink::warning});
  return true;
}

}  // namespace

std::string_view name_of(View view) {
  static constexpr std::array<std::string_view, 4> kNames = {"table", "trades", "book", "chart"};
  return kNames[static_cast<std::size_t>(view)];
}

std::string_view name_of(SortKey key) {
  static constexpr std::array<std::string_view, kSortKeys> kNames = {"given",  "symbol", "price", "change",
                                                                     "spread", "volume", "age"};
  return kNames[static_cast<std::size_t>(key)];
}

std::vector<const Row*> rows_of(const Model& model, const Choices& choices, Micros now) {
  std::vector<const Row*> rows;
  const std::string wanted = upper(choices.filter);
  for (const Row& row : model.rows()) {
    if (wanted.empty() || upper(row.label).find(wanted) != std::string::npos) rows.push_back(&row);
  }
  if (choices.sort == SortKey::symbol) {
    std::stable_sort(rows.begin(), rows.end(), [](const Row* a, const Row* b) { return a->label < b->label; });
  } else if (choices.sort != SortKey::given) {
    std::vector<std::pair<double, const Row*>> keyed;
    keyed.reserve(rows.size());
    for (const Row* row : rows) keyed.emplace_back(sort_value(*row, choices.sort, now), row);
    std::stable_sort(keyed.begin(), keyed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::transform(keyed.begin(), keyed.end(), rows.begin(), [](const auto& entry) { return entry.second; });
  }
  if (choices.descending) std::reverse(rows.begin(), rows.end());
  return rows;
}

const Row* selected_row(const Model& model, const Choices& choices, Micros now) {
  const auto rows = rows_of(model, choices, now);
  const auto found =
      std::find_if(rows.begin(), rows.end(), [&](const Row* row) { return row->label == choices.selected; });
  if (found != rows.end()) return *found;
  return rows.empty() ? nullptr : rows.front();
}

std::vector<Pane> panes_of(const Choices& choices, Size size) {
  const Rect whole{0, kHeaderLines, size.width, std::max(size.height - kHeaderLines - kStatusLines, 1)};
  const std::vector<View>& views = choices.views;
  const auto alone = [&] { return std::vector<Pane>{{choices.focus, whole}}; };
  if (choices.zoomed || views.size() < 2) return alone();

  // The first view on the left, the others stacked on the right; two narrow ones may share a level of the stack.
  const View main = views.front();
  const int least_right = 38;
  if (whole.width < smallest_width(main) + 1 + least_right || whole.height < kSmallestPaneHeight) return alone();
  const int main_width = main == View::table ? std::clamp(whole.width - 1 - least_right, smallest_width(main),
                                                          std::max(whole.width / 2, 79))
                                             : (whole.width - 1) / 2;
  const Rect right{main_width + 1, whole.y, whole.width - main_width - 1, whole.height};
  std::vector<std::vector<View>> levels;
  for (std::size_t i = 1; i < views.size(); ++i) {
    const bool narrow = views[i] != View::chart && views[i] != View::table;
    const bool joins = !levels.empty() && narrow && levels.back().size() == 1 && levels.back()[0] != View::chart &&
                       right.width >= 2 * least_right + 1;
    if (views[i] == View::table && right.width < smallest_width(View::table)) return alone();
    if (joins) {
      levels.back().push_back(views[i]);
    } else {
      levels.push_back({views[i]});
    }
  }
  if (whole.height < kSmallestPaneHeight * static_cast<int>(levels.size())) return alone();
  std::vector<Pane> panes = {{main, {whole.x, whole.y, main_width, whole.height}}};
  int y = right.y;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const int left = static_cast<int>(levels.size() - i);
    const int height = (right.bottom() - y) / left;
    if (levels[i].size() == 1) {
      panes.push_back({levels[i][0], {right.x, y, right.width, height}});
    } else {
      const int half = (right.width - 1) / 2;
      panes.push_back({levels[i][0], {right.x, y, half, height}});
      panes.push_back({levels[i][1], {right.x + half + 1, y, right.width - half - 1, height}});
    }
    y += height;
  }
  return panes;
}

Screen draw(const Scene& scene, Size size) {
  Screen screen(size);
  const Model& shown = scene.frozen != nullptr ? *scene.frozen : scene.model;
  const auto panes = panes_of(scene.choices, screen.size());
  for (const Pane& pane : panes) {
    const Canvas canvas{
        screen,          shown, scene.choices, scene.capabilities, scene.now, pane.view == scene.choices.focus,
        panes.size() > 1};
    switch (pane.view) {
      case View::table:
        draw_table(canvas, pane.area);
        break;
      case View::trades:
        draw_trades(canvas, pane.area);
        break;
      case View::book:
        draw_book(canvas, pane.area);
        break;
      case View::chart:
        draw_chart(canvas, pane.area);
        break;
    }
  }
  for (const Pane& pane : panes) {
    if (pane.area.x == 0) continue;
    screen.fill({pane.area.x - 1, pane.area.y, 1, pane.area.height}, scene.capabilities.utf8 ? U'│' : U'|', {Ink::dim});
  }
  draw_header(scene, screen, panes);
  draw_message(scene, screen);
  draw_status(scene, screen);
  if (scene.choices.help) draw_help(screen, scene.model, scene.capabilities);
  return screen;
}

Micros next_change(const Model& model, Micros now) {
  Micros next = now - now % 1'000'000 + 1'000'000;
  for (const Row& row : model.rows()) {
    if (row.changed_at + kFlash > now) next = std::min(next, row.changed_at + kFlash);
  }
  return next;
}

std::string link_text(const Model& model, Micros now) {
  const Link& link = model.link();
  switch (link.state) {
    case LinkState::up:
      return "connected to " + link.source;
    case LinkState::connecting:
      return "connecting to " + link.source;
    case LinkState::waiting: {
      const Micros left = std::max<Micros>(link.retry_at - now, 0);
      return "not connected to " + link.source + ": " + link.reason + "; next attempt in " +
             std::to_string((left + 999'999) / 1'000'000) + "s";
    }
    case LinkState::ended:
      return link.source + " has ended" + (link.reason.empty() ? "" : ": " + link.reason);
  }
  return {};
}

std::string plain_line(const Model& model, const Row& row, Micros now) {
  const Ticker& t = row.ticker;
  std::string line = row.label;
  line.resize(std::max<std::size_t>(line.size() + 1, 12), ' ');
  const auto column = [&line](std::string text, std::size_t width) {
    if (text.size() < width) text.insert(0, width - text.size(), ' ');
    line += text + " ";
  };
  column(fixed(t.price, row.decimals), 12);
  column(percent(t.change_24h), 8);
  column(fixed(t.bid, row.decimals), 12);
  column(fixed(t.ask, row.decimals), 12);
  column(t.volume_24h.has_value() ? compact(t.volume_24h.to_double()) : "-", 6);
  column(row.has_ticker ? age(now - row.updated_at) : "-", 4);
  line.pop_back();
  if (row.has_ticker && model.stale(row, now)) line += " stale";
  return line;
}

}  // namespace bixws::terminal

// SPDX-License-Identifier: Apache-2.0
// Keys to choices and commands.
#include "terminal/control.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace bixws::terminal {
namespace {

constexpr std::array<std::int32_t, 10> kTimeframes = {1, 60, 180, 300, 900, 1800, 3600, 14400, 86400, 604800};
constexpr Micros kSeekStep = 30'000'000;
constexpr Micros kArrowStep = 5'000'000;
// What the digits mean in a replay; 0 is the fastest there is.
constexpr std::array<const char*, 10> kDigitSpeeds = {"\"max\"", "1", "2", "5", "10", "20", "50", "100", "200", "500"};

Command refresh() { return {Command::Kind::refresh, {}, {}}; }

void focus(Choices& choices, View view) {
  if (std::find(choices.views.begin(), choices.views.end(), view) == choices.views.end()) {
    choices.views.push_back(view);
  }
  choices.focus = view;
  choices.scroll = 0;
}

void next_view(Choices& choices, int step) {
  const auto at = std::find(kViews.begin(), kViews.end(), choices.focus) - kViews.begin();
  const auto count = static_cast<std::ptrdiff_t>(kViews.size());
  focus(choices, kViews[static_cast<std::size_t>((at + step + count) % count)]);
}

void select(Choices& choices, const Model& model, int step, Micros now) {
  const auto rows = rows_of(model, choices, now);
  if (rows.empty()) return;
  const Row* current = selected_row(model, choices, now);
  const auto found = std::find(rows.begin(), rows.end(), current);
  const int at = found == rows.end() ? 0 : static_cast<int>(found - rows.begin());
  const int last = static_cast<int>(rows.size()) - 1;
  choices.selected = rows[static_cast<std::size_t>(std::clamp(at + step, 0, last))]->label;
  choices.scroll = 0;
}

void next_sort(Choices& choices) {
  choices.sort = static_cast<SortKey>((static_cast<int>(choices.sort) + 1) % kSortKeys);
  // Numbers are mostly looked at from the greatest.
  choices.descending = choices.sort != SortKey::given && choices.sort != SortKey::symbol;
}

void next_timeframe(Choices& choices, const Model& model, int step, Micros now) {
  // Those that have candles, and the usual ones otherwise.
  std::vector<std::int32_t> known;
  if (const Row* row = selected_row(model, choices, now); row != nullptr) {
    for (const auto& [seconds, candles] : row->candles) known.push_back(seconds);
  }
  if (known.size() < 2) known.assign(kTimeframes.begin(), kTimeframes.end());
  auto at = std::lower_bound(known.begin(), known.end(), choices.timeframe);
  const auto position =
      std::clamp<std::ptrdiff_t>((at - known.begin()) + step, 0, static_cast<std::ptrdiff_t>(known.size()) - 1);
  choices.timeframe = known[static_cast<std::size_t>(position)];
}

Command replay(const Model& model, const std::string& request) {
  if (!model.replay().has_value()) return {};
  return {Command::Kind::replay, {}, request};
}

std::string speed_request(const Model& model, double factor) {
  // From the fastest there is nothing faster; slower means a thousandfold.
  double speed = model.replay().has_value() ? model.replay()->speed : 1;
  speed = speed <= 0 ? (factor < 1 ? 1000 : 0) : speed * factor;
  if (speed <= 0 || speed > 5000) return R"("action":"speed","value":"max")";
  char text[64];
  std::snprintf(text, sizeof text, R"("action":"speed","value":%.6g)", std::max(speed, 0.0625));
  return text;
}

std::string seek_request(const Model& model, Micros by) {
  const Micros to = (model.replay().has_value() ? model.replay()->position : 0) + by;
  return R"("action":"seek","value":)" + std::to_string(to);
}

Command press_in_prompt(Key key, Choices& choices) {
  switch (key.code) {
    case KeyCode::escape:
      if (choices.prompt == Prompt::filter) choices.filter.clear();
      choices.prompt = Prompt::none;
      return {};
    case KeyCode::enter: {
      const bool add = choices.prompt == Prompt::add;
      choices.prompt = Prompt::none;
      if (add && !choices.input.empty()) return {Command::Kind::add, choices.input, {}};
      return {};
    }
    case KeyCode::backspace:
      while (!choices.input.empty() && (static_cast<unsigned char>(choices.input.back()) & 0xC0U) == 0x80) {
        choices.input.pop_back();
      }
      if (!choices.input.empty()) choices.input.pop_back();
      break;
    case KeyCode::character:
      if (key.character == 0x03) return {Command::Kind::quit, {}, {}};
      if (key.character == 0x15) choices.input.clear();  // Ctrl-U
      if (key.character >= 0x20 && choices.input.size() < 64) append_utf8(choices.input, key.character);
      break;
    default:
      return {};
  }
  // A filter works while it is typed.
  if (choices.prompt == Prompt::filter) choices.filter = choices.input;
  return {};
}

Command press_character(char32_t c, Choices& choices, const Model& model, Micros now) {
  if (model.replay().has_value() && c >= U'0' && c <= U'9') {
    return replay(model, std::string(R"("action":"speed","value":)") + kDigitSpeeds[c - U'0']);
  }
  switch (c) {
    case 0x03:
    case U'q':
    case U'Q':
      return {Command::Kind::quit, {}, {}};
    case 0x1A:
      return {Command::Kind::suspend, {}, {}};
    case 0x0C:
    case U'r':
      return refresh();
    case U'1':
    case U'2':
    case U'3':
    case U'4':
      focus(choices, kViews[c - U'1']);
      return {};
    case U'z':
      choices.zoomed = !choices.zoomed;
      return {};
    case U'j':
      select(choices, model, 1, now);
      return {};
    case U'k':
      select(choices, model, -1, now);
      return {};
    case U'l':
      ++choices.scroll;
      return {};
    case U'h':
      choices.scroll = std::max(choices.scroll - 1, 0);
      return {};
    case U's':
      next_sort(choices);
      return {};
    case U'S':
      choices.descending = !choices.descending;
      return {};
    case U'/':
      choices.prompt = Prompt::filter;
      choices.input = choices.filter;
      return {};
    case U'a':
      choices.prompt = Prompt::add;
      choices.input.clear();
      return {};
    case U'd': {
      const Row* row = selected_row(model, choices, now);
      if (row == nullptr) return {};
      Command command{Command::Kind::remove, row->label, {}};
      // The next one takes its place.
      const auto rows = rows_of(model, choices, now);
      const auto at = std::find(rows.begin(), rows.end(), row);
      choices.selected.clear();
      if (at != rows.end() && at + 1 != rows.end())
        choices.selected = (*(at + 1))->label;
      else if (at != rows.end() && at != rows.begin())
        choices.selected = (*(at - 1))->label;
      return command;
    }
    case U't':
      next_timeframe(choices, model, 1, now);
      return {};
    case U'T':
      next_timeframe(choices, model, -1, now);
      return {};
    case U' ':
      if (model.replay().has_value()) {
        const bool paused = model.replay()->state == "paused";
        return replay(model, paused ? R"("action":"resume")" : R"("action":"pause")");
      }
      [[fallthrough]];
    case U'p':
      choices.paused = !choices.paused;
      return {};
    case U'.':
      return replay(model, R"("action":"step","value":1)");
    case U']':
      return replay(model, speed_request(model, 2));
    case U'[':
      return replay(model, speed_request(model, 0.5));
    case U'>':
      return replay(model, seek_request(model, kSeekStep));
    case U'<':
      return replay(model, seek_request(model, -kSeekStep));
    case U'?':
      choices.help = true;
      return {};
    default:
      return {};
  }
}

}  // namespace

Command press(Key key, Choices& choices, const Model& model, Size size, Micros now) {
  if (choices.prompt != Prompt::none) return press_in_prompt(key, choices);
  if (choices.help) {
    choices.help = false;
    if (key.code == KeyCode::character && key.character == 0x03) return {Command::Kind::quit, {}, {}};
    return {};
  }
  const int page = std::max(size.height - 4, 1);
  constexpr int kFar = 1'000'000;
  switch (key.code) {
    case KeyCode::character:
      return press_character(key.character, choices, model, now);
    case KeyCode::tab:
      next_view(choices, 1);
      return {};
    case KeyCode::back_tab:
      next_view(choices, -1);
      return {};
    case KeyCode::up:
      select(choices, model, -1, now);
      return {};
    case KeyCode::down:
      select(choices, model, 1, now);
      return {};
    case KeyCode::page_up:
      select(choices, model, -page, now);
      return {};
    case KeyCode::page_down:
      select(choices, model, page, now);
      return {};
    case KeyCode::home:
      select(choices, model, -kFar, now);
      return {};
    case KeyCode::end:
      select(choices, model, kFar, now);
      return {};
    case KeyCode::right:
      if (model.replay().has_value()) return replay(model, seek_request(model, kArrowStep));
      ++choices.scroll;
      return {};
    case KeyCode::left:
      if (model.replay().has_value()) return replay(model, seek_request(model, -kArrowStep));
      choices.scroll = std::max(choices.scroll - 1, 0);
      return {};
    case KeyCode::escape:
      choices.filter.clear();
      choices.zoomed = false;
      return {};
    case KeyCode::erase:
      return press_character(U'd', choices, model, now);
    default:
      return {};
  }
}

}  // namespace bixws::terminal

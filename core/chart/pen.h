// SPDX-License-Identifier: Apache-2.0
// Pen: cairo with an owner, errors that throw, and the few strokes that charts are made of.
#pragma once

#include <cairo.h>

#include <memory>
#include <string>
#include <string_view>

#include "chart/picture.h"

namespace bixws::chart {

struct Color {
  double red = 0, green = 0, blue = 0, alpha = 1;
};
/// "#rrggbb"; `fallback` for anything else.
[[nodiscard]] Color color_of(std::string_view text, Color fallback);

/// Not thread-safe.
class Pen {
 public:
  Pen(Format format, int width, int height);

  void color(const Color& color) {
    cairo_set_source_rgba(cairo_.get(), color.red, color.green, color.blue, color.alpha);
  }
  void fill(double x, double y, double width, double height) {
    cairo_rectangle(cairo_.get(), x, y, width, height);
    cairo_fill(cairo_.get());
  }
  void line(double x1, double y1, double x2, double y2, double width = 1);
  /// Slanted lines over the whole area.
  void hatch(double x, double y, double width, double height);
  void triangle(double x, double y, double size);
  /// Left-aligned at x unless `align` is 0.5 (middle) or 1 (right); y is the middle of the letters.
  void text(double x, double y, const std::string& utf8, double align = 0, double size = 12, bool bold = false);
  [[nodiscard]] double text_width(const std::string& utf8, double size = 12);
  /// A polyline in pieces: move() begins a new one.
  void move(double x, double y) { cairo_move_to(cairo_.get(), x, y); }
  void draw(double x, double y) { cairo_line_to(cairo_.get(), x, y); }
  void stroke(double width);
  void clip(double x, double y, double width, double height);
  void unclip() { cairo_restore(cairo_.get()); }

  /// Ends the picture.
  std::string finish();

 private:
  struct Free {
    void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
    void operator()(cairo_t* cairo) const { cairo_destroy(cairo); }
  };
  void font(double size, bool bold);
  void require(cairo_status_t status) const;

  Format format_;
  std::string bytes_;
  std::unique_ptr<cairo_surface_t, Free> surface_;
  std::unique_ptr<cairo_t, Free> cairo_;
};

}  // namespace bixws::chart

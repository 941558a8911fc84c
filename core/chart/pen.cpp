// SPDX-License-Identifier: Apache-2.0
// Pen: strokes.
#include "chart/pen.h"

#include <cairo-svg.h>

#include <charconv>
#include <stdexcept>

namespace bixws::chart {
namespace {

cairo_status_t append(void* closure, const unsigned char* data, unsigned int length) {
  static_cast<std::string*>(closure)->append(reinterpret_cast<const char*>(data), length);
  return CAIRO_STATUS_SUCCESS;
}

}  // namespace

Color color_of(std::string_view text, Color fallback) {
  unsigned value = 0;
  if (text.size() != 7 || text[0] != '#') return fallback;
  const auto [end, error] = std::from_chars(text.data() + 1, text.data() + 7, value, 16);
  if (error != std::errc() || end != text.data() + 7) return fallback;
  return {(value >> 16) / 255.0, (value >> 8 & 255U) / 255.0, (value & 255U) / 255.0, 1};
}

Pen::Pen(Format format, int width, int height) : format_(format) {
  surface_.reset(format == Format::svg ? cairo_svg_surface_create_for_stream(append, &bytes_, width, height)
                                       : cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height));
  require(cairo_surface_status(surface_.get()));
  cairo_.reset(cairo_create(surface_.get()));
  require(cairo_status(cairo_.get()));
  cairo_set_line_join(cairo_.get(), CAIRO_LINE_JOIN_ROUND);
}

void Pen::require(cairo_status_t status) const {
  if (status != CAIRO_STATUS_SUCCESS) {
    throw std::runtime_error(std::string("the picture cannot be drawn: ") + cairo_status_to_string(status));
  }
}

void Pen::line(double x1, double y1, double x2, double y2, double width) {
  move(x1, y1);
  draw(x2, y2);
  stroke(width);
}

void Pen::hatch(double x, double y, double width, double height) {
  constexpr double kStep = 8;
  clip(x, y, width, height);
  for (double at = x - height; at < x + width; at += kStep) line(at, y + height, at + height, y, 1);
  unclip();
}

void Pen::triangle(double x, double y, double size) {
  move(x, y);
  draw(x - size / 2, y - size);
  draw(x + size / 2, y - size);
  cairo_close_path(cairo_.get());
  cairo_fill(cairo_.get());
}

void Pen::font(double size, bool bold) {
  cairo_select_font_face(cairo_.get(), "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                         bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(cairo_.get(), size);
}

double Pen::text_width(const std::string& utf8, double size) {
  font(size, false);
  cairo_text_extents_t extents{};
  cairo_text_extents(cairo_.get(), utf8.c_str(), &extents);
  return extents.x_advance;
}

void Pen::text(double x, double y, const std::string& utf8, double align, double size, bool bold) {
  font(size, bold);
  cairo_text_extents_t extents{};
  cairo_text_extents(cairo_.get(), utf8.c_str(), &extents);
  // Digits have no descenders, so a third of the size below the middle looks centred.
  cairo_move_to(cairo_.get(), x - align * extents.x_advance, y + size * 0.36);
  cairo_show_text(cairo_.get(), utf8.c_str());
  cairo_new_path(cairo_.get());
}

void Pen::stroke(double width) {
  cairo_set_line_width(cairo_.get(), width);
  cairo_stroke(cairo_.get());
}

void Pen::clip(double x, double y, double width, double height) {
  cairo_save(cairo_.get());
  cairo_rectangle(cairo_.get(), x, y, width, height);
  cairo_clip(cairo_.get());
}

std::string Pen::finish() {
  require(cairo_status(cairo_.get()));
  if (format_ == Format::png) require(cairo_surface_write_to_png_stream(surface_.get(), append, &bytes_));
  cairo_.reset();
  cairo_surface_finish(surface_.get());
  require(cairo_surface_status(surface_.get()));
  surface_.reset();
  return std::move(bytes_);
}

}  // namespace bixws::chart

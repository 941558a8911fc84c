// SPDX-License-Identifier: Apache-2.0
// Metrics text: written when asked for, so plain strings do.
#include "server/metrics.h"

#include <charconv>

namespace bixws::server {
namespace {

template <typename Number>
std::string text_of(Number value) {
  char text[64];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

// 0.00005, not 5e-05: bounds are for people, too.
std::string bound_text(double seconds) {
  char text[64];
  return {text, std::to_chars(text, text + sizeof text, seconds, std::chars_format::fixed).ptr};
}

std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

void MetricsText::head(std::string_view name, std::string_view help, std::string_view type) {
  if (family_ == name) return;
  family_ = name;
  text_.append("# HELP ").append(name).append(" ").append(help).append("\n");
  text_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

void MetricsText::sample(std::string_view name, std::string_view suffix, Labels labels, std::string_view value) {
  text_.append(name).append(suffix);
  bool first = true;
  for (const auto& [key, label] : labels) {
    text_.append(first ? "{" : ",").append(key).append("=\"").append(escaped(label)).append("\"");
    first = false;
  }
  if (!first) text_ += '}';
  text_.append(" ").append(value).append("\n");
}

void MetricsText::counter(std::string_view name, std::string_view help, std::uint64_t value, Labels labels) {
  head(name, help, "counter");
  sample(name, "", labels, text_of(value));
}

void MetricsText::counter(std::string_view name, std::string_view help, double value, Labels labels) {
  head(name, help, "counter");
  sample(name, "", labels, text_of(value));
}

void MetricsText::gauge(std::string_view name, std::string_view help, std::int64_t value, Labels labels) {
  head(name, help, "gauge");
  sample(name, "", labels, text_of(value));
}

void MetricsText::gauge(std::string_view name, std::string_view help, double value, Labels labels) {
  head(name, help, "gauge");
  sample(name, "", labels, text_of(value));
}

void Histogram::observe(std::int64_t micros, std::uint64_t times) {
  std::size_t bucket = 0;
  for (std::int64_t bound = kFirst; bucket < kBuckets && micros > bound; bound *= 2) ++bucket;
  counts_[bucket].fetch_add(times, std::memory_order_relaxed);
  sum_.fetch_add(micros * static_cast<std::int64_t>(times), std::memory_order_relaxed);
}

void Histogram::add(const Histogram& other) {
  for (std::size_t i = 0; i <= kBuckets; ++i) {
    counts_[i].fetch_add(other.counts_[i].load(std::memory_order_relaxed), std::memory_order_relaxed);
  }
  sum_.fetch_add(other.sum_.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

void Histogram::write(MetricsText& out, std::string_view name, std::string_view help) const {
  out.head(name, help, "histogram");
  std::uint64_t total = 0;
  std::int64_t bound = kFirst;
  for (std::size_t i = 0; i < kBuckets; ++i, bound *= 2) {
    total += counts_[i].load(std::memory_order_relaxed);
    out.sample(name, "_bucket", {{"le", bound_text(static_cast<double>(bound) / 1e6)}}, text_of(total));
  }
  total += counts_[kBuckets].load(std::memory_order_relaxed);
  out.sample(name, "_bucket", {{"le", "+Inf"}}, text_of(total));
  out.sample(name, "_sum", {}, text_of(static_cast<double>(sum_.load(std::memory_order_relaxed)) / 1e6));
  out.sample(name, "_count", {}, text_of(total));
}

}  // namespace bixws::server

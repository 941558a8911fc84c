// SPDX-License-Identifier: Apache-2.0
// Readers to compare with.
#include "readers.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <bixws/time_text.h>
#include <simdjson.h>

#include <string>

namespace bixws::bench {
namespace {

namespace od = simdjson::ondemand;

constexpr int kDecimals = 8;

/// Keeps the time as read; what it is does not matter here.
volatile std::int64_t g_time = 0;
volatile char g_first = 0;

}  // namespace

std::int64_t fixed_point(std::string_view text) {
  std::int64_t value = 0;
  int decimals = -1;
  for (const char c : text) {
    if (c == '.') {
      decimals = 0;
    } else if (decimals < kDecimals) {
      value = value * 10 + (c - '0');
      if (decimals >= 0) ++decimals;
    }
  }
  for (int i = decimals < 0 ? 0 : decimals; i < kDecimals; ++i) value *= 10;
  return value;
}

struct SimdjsonReader::Inside {
  od::parser parser;
};

SimdjsonReader::SimdjsonReader() : inside_(new Inside) {}
SimdjsonReader::~SimdjsonReader() { delete inside_; }

void SimdjsonReader::read(std::string_view frame, Tally& tally) {
  auto document = inside_->parser.iterate(simdjson::padded_string_view(frame.data(), frame.size(), frame.size() + 64));
  std::string_view type, product, time, price, size, side;
  std::int64_t trade = 0;
  for (auto field : document.get_object()) {
    const std::string_view key = field.unescaped_key();
    if (key == "type") {
      type = field.value().get_string();
    } else if (key == "product_id") {
      product = field.value().get_string();
    } else if (key == "time") {
      time = field.value().get_string();
    } else if (key == "price") {
      price = field.value().get_string();
    } else if (key == "size") {
      size = field.value().get_string();
    } else if (key == "side") {
      side = field.value().get_string();
    } else if (key == "trade_id") {
      trade = field.value().get_int64();
    } else if (key == "changes") {
      for (auto change : field.value().get_array()) {
        std::string_view cell[3];
        std::size_t at = 0;
        for (auto text : change.get_array()) {
          if (at < 3) cell[at++] = text.get_string();
        }
        ++tally.levels;
        tally.prices += fixed_point(cell[1]) + (fixed_point(cell[2]) & 1);
      }
    } else if (key == "bids" || key == "asks") {
      for (auto level : field.value().get_array()) {
        std::string_view cell[2];
        std::size_t at = 0;
        for (auto text : level.get_array()) {
          if (at < 2) cell[at++] = text.get_string();
        }
        ++tally.levels;
        tally.prices += fixed_point(cell[0]) + (fixed_point(cell[1]) & 1);
      }
    }
  }
  g_time = rfc3339_micros(time);
  if (!product.empty()) g_first = product[0];
  if (type != "match") return;
  ++tally.trades;
  g_time = g_time + trade + (side == "sell" ? 1 : 0);
  tally.prices += fixed_point(price) + (fixed_point(size) & 1);
}

void PocoReader::read(std::string_view frame, Tally& tally) {
  Poco::JSON::Parser parser;
  const auto object = parser.parse(std::string(frame)).extract<Poco::JSON::Object::Ptr>();
  const std::string type = object->getValue<std::string>("type");
  g_first = object->getValue<std::string>("product_id")[0];
  if (object->has("time")) g_time = rfc3339_micros(object->getValue<std::string>("time"));
  if (type == "match") {
    ++tally.trades;
    g_time =
        g_time + object->getValue<std::int64_t>("trade_id") + (object->getValue<std::string>("side") == "sell" ? 1 : 0);
    tally.prices +=
        fixed_point(object->getValue<std::string>("price")) + (fixed_point(object->getValue<std::string>("size")) & 1);
    return;
  }
  for (const char* name : {"changes", "bids", "asks"}) {
    const auto list = object->getArray(name);
    if (list.isNull()) continue;
    const unsigned at = *name == 'c' ? 1 : 0;
    for (std::size_t i = 0; i < list->size(); ++i) {
      const auto level = list->getArray(static_cast<unsigned>(i));
      ++tally.levels;
      tally.prices +=
          fixed_point(level->getElement<std::string>(at)) + (fixed_point(level->getElement<std::string>(at + 1)) & 1);
    }
  }
}

}  // namespace bixws::bench

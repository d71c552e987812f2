#include <algorithm>

#include "crypto/cbor/cbor.h"

namespace tam::cbor {

void Writer::Head(uint8_t major, uint64_t value) {
  int info = static_cast<int>(value);
  int bytes = 0;
  if (value > 0xffffffff) {
    info = 27, bytes = 8;
  } else if (value > 0xffff) {
    info = 26, bytes = 4;
  } else if (value > 0xff) {
    info = 25, bytes = 2;
  } else if (value >= 24) {
    info = 24, bytes = 1;
  }
  out_.push_back(static_cast<char>(major << 5 | info));
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
    out_.push_back(static_cast<char>(value >> shift & 0xff));
  }
}

Writer& Writer::Uint(uint64_t value) {
  Head(0, value);
  return *this;
}

Writer& Writer::Int(int64_t value) {
  if (value >= 0) {
    Head(0, static_cast<uint64_t>(value));
  } else {
    Head(1, static_cast<uint64_t>(-1 - value));
  }
  return *this;
}

Writer& Writer::ByteString(Bytes value) { return ByteString(AsView(value)); }

Writer& Writer::ByteString(std::string_view value) {
  Head(2, value.size());
  out_.append(value);
  return *this;
}

Writer& Writer::Text(std::string_view value) {
  Head(3, value.size());
  out_.append(value);
  return *this;
}

Writer& Writer::Array(size_t count) {
  Head(4, count);
  return *this;
}

Writer& Writer::MapHead(size_t count) {
  Head(5, count);
  return *this;
}

Writer& Writer::Tag(uint64_t tag) {
  Head(6, tag);
  return *this;
}

Writer& Writer::Bool(bool value) {
  out_.push_back(static_cast<char>(value ? 0xf5 : 0xf4));
  return *this;
}

Writer& Writer::Null() {
  out_.push_back(static_cast<char>(0xf6));
  return *this;
}

Writer& Writer::Raw(std::string_view encoded) {
  out_.append(encoded);
  return *this;
}

MapBuilder& MapBuilder::Set(int64_t key, Writer value) {
  Writer encoded_key;
  encoded_key.Int(key);
  return SetRaw(std::move(encoded_key).Take(), std::move(value).Take());
}

MapBuilder& MapBuilder::Set(std::string_view key, Writer value) {
  Writer encoded_key;
  encoded_key.Text(key);
  return SetRaw(std::move(encoded_key).Take(), std::move(value).Take());
}

// The pairs are kept sorted. std::string compares as unsigned bytes, which is the order wanted.
MapBuilder& MapBuilder::SetRaw(std::string encoded_key, std::string encoded_value) {
  auto at = std::lower_bound(pairs_.begin(), pairs_.end(), encoded_key,
                             [](const auto& pair, const auto& key) { return pair.first < key; });
  if (at != pairs_.end() && at->first == encoded_key) {
    at->second = std::move(encoded_value);
  } else {
    pairs_.emplace(at, std::move(encoded_key), std::move(encoded_value));
  }
  return *this;
}

void MapBuilder::WriteTo(Writer& writer) const {
  writer.MapHead(pairs_.size());
  for (const auto& [key, value] : pairs_) writer.Raw(key).Raw(value);
}

std::string MapBuilder::Encode() const {
  Writer writer;
  WriteTo(writer);
  return std::move(writer).Take();
}

}  // namespace tam::cbor

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cbor/tree.h"
#include "crypto/cbor/utf8.h"
#include "crypto/text/text.h"

namespace tam::cbor {
namespace {

// Below this many pairs all keys are compared with each other, above it they are sorted.
constexpr size_t kSmallMap = 16;
constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

// An array, map or tag whose content is being read.
struct Frame {
  uint32_t node;
  uint32_t last_key;   // of a map: the latest key, or kNone
  uint64_t remaining;  // items still to be read; a pair is two
  bool ascending;      // of a map: every key so far was greater than the one before
};

class Parser {
 public:
  Parser(Tree& tree, const Limits& limits) : tree_(tree), bytes_(tree.bytes), limits_(limits) {}

  // True when the whole input is one strict item; otherwise error() says why.
  bool Run();
  const absl::Status& error() const { return error_; }

 private:
  struct Head {
    uint8_t major;
    uint8_t info;
    uint64_t value;
  };

  bool ReadItem();
  bool ReadHead(Head& head);
  bool ReadArgument(uint8_t info, uint64_t& value);
  bool ReadString(uint32_t node, const Head& head);
  bool OpenContainer(uint32_t node, const Head& head);
  bool ReadSimpleOrFloat(uint32_t node, const Head& head);
  bool SetFloat(uint32_t node, const Head& head);
  // Ends `node` and every container that it was the last item of.
  bool Complete(uint32_t node);
  bool CheckKeyOrder(Frame& frame, uint32_t key);
  bool CheckDuplicates(uint32_t map);

  std::string CurrentPath() const;
  bool Fail(std::string_view reason) { return FailAt(item_begin_, CurrentPath(), reason); }
  bool FailAt(size_t offset, std::string_view path, std::string_view reason) {
    error_ = ErrorAt(offset, path, reason);
    return false;
  }
  bool FailDuplicate(uint32_t key);

  Tree& tree_;
  const Bytes bytes_;
  const Limits& limits_;
  size_t position_ = 0;
  size_t item_begin_ = 0;
  absl::InlinedVector<Frame, 16> stack_;
  absl::Status error_;
};

bool Parser::Run() {
  const size_t max_bytes = std::min<size_t>(limits_.max_bytes, kNone - 1);
  if (bytes_.size() > max_bytes) {
    return Fail(Concat("want at most ", max_bytes, " bytes, got ", bytes_.size()));
  }
  tree_.nodes.reserve(std::min<size_t>({bytes_.size() / 4 + 4, limits_.max_items, 256}));
  do {
    if (!ReadItem()) return false;
  } while (!stack_.empty());
  item_begin_ = position_;
  if (position_ != bytes_.size()) {
    return Fail(
        Concat("want the end of the input, got ", bytes_.size() - position_, " trailing bytes"));
  }
  return true;
}

bool Parser::ReadItem() {
  item_begin_ = position_;
  Head head;
  if (!ReadHead(head)) return false;
  if (tree_.nodes.size() >= limits_.max_items) {
    return Fail(Concat("want at most ", limits_.max_items, " items"));
  }
  const uint32_t node = static_cast<uint32_t>(tree_.nodes.size());
  tree_.nodes.push_back(Node{.value = head.value,
                             .begin = static_cast<uint32_t>(item_begin_),
                             .end = 0,
                             .next = 0,
                             .type = Type::kUint,
                             .head_bytes = static_cast<uint8_t>(position_ - item_begin_)});
  switch (head.major) {
    case 0:
      return Complete(node);
    case 1:
      tree_.nodes[node].type = Type::kNint;
      return Complete(node);
    case 2:
    case 3:
      return ReadString(node, head) && Complete(node);
    case 7:
      return ReadSimpleOrFloat(node, head) && Complete(node);
    default:
      return OpenContainer(node, head);
  }
}

bool Parser::ReadHead(Head& head) {
  if (position_ == bytes_.size()) return Fail("want an item, got the end of the input");
  const uint8_t initial = bytes_[position_++];
  head.major = initial >> 5;
  head.info = initial & 0x1f;
  head.value = head.info;
  if (head.info < 24) return true;
  if (head.info == 31) return Fail("want a definite length, got an indefinite one");
  if (head.info > 27) return Fail("want a defined head, got a reserved one");
  if (!ReadArgument(head.info, head.value)) return false;
  if (head.major == 7) return true;  // Floats have a rule of their own.
  constexpr uint64_t kLeast[] = {24, 0x100, 0x10000, 0x100000000};
  if (head.value < kLeast[head.info - 24]) {
    return Fail(Concat("want the shortest head for ", head.value, ", got one of ",
                       position_ - item_begin_, " bytes"));
  }
  return true;
}

bool Parser::ReadArgument(uint8_t info, uint64_t& value) {
  const size_t size = size_t{1} << (info - 24);
  if (bytes_.size() - position_ < size) return Fail("want a whole head, got the end of the input");
  value = 0;
  for (size_t i = 0; i < size; ++i) value = value << 8 | bytes_[position_ + i];
  position_ += size;
  return true;
}

bool Parser::ReadString(uint32_t node, const Head& head) {
  const bool text = head.major == 3;
  const size_t left = bytes_.size() - position_;
  if (head.value > left) {
    return Fail(
        Concat("want a string of ", head.value, " bytes, got ", left, " to the end of the input"));
  }
  if (text && !IsValidUtf8(bytes_.subspan(position_, head.value))) {
    return Fail("want valid UTF-8 in a text string, got something else");
  }
  tree_.nodes[node].type = text ? Type::kText : Type::kBytes;
  position_ += head.value;
  return true;
}

bool Parser::OpenContainer(uint32_t node, const Head& head) {
  constexpr Type kTypes[] = {Type::kArray, Type::kMap, Type::kTag};
  const Type type = kTypes[head.major - 4];
  tree_.nodes[node].type = type;
  if (stack_.size() >= limits_.max_depth) {
    return Fail(Concat("want at most ", limits_.max_depth, " nested arrays, maps and tags"));
  }
  if (type == Type::kTag && (head.value == 2 || head.value == 3)) {
    return Fail("want no bignum tag, got one");
  }
  const size_t left = bytes_.size() - position_;  // Every item takes a byte at least.
  const size_t most = type == Type::kMap ? left / 2 : left;
  if (type != Type::kTag && head.value > most) {
    return Fail(Concat("want ", head.value, type == Type::kMap ? " pairs" : " elements", ", got ",
                       left, " bytes to the end of the input"));
  }
  uint64_t items = head.value;
  if (type == Type::kTag) items = 1;
  if (type == Type::kMap) items *= 2;
  if (items == 0) return Complete(node);
  stack_.push_back({.node = node, .last_key = kNone, .remaining = items, .ascending = true});
  return true;
}

bool Parser::ReadSimpleOrFloat(uint32_t node, const Head& head) {
  Node& out = tree_.nodes[node];
  switch (head.info) {
    case 20:
    case 21:
      out.type = Type::kBool;
      out.value = head.info - 20;
      return true;
    case 22:
      out.type = Type::kNull;
      return true;
    case 23:
      out.type = Type::kUndefined;
      return true;
    case 25:
    case 26:
    case 27:
      return SetFloat(node, head);
    default:
      return Fail(Concat("want false, true, null or undefined, got simple value ", head.value));
  }
}

double HalfToDouble(uint16_t half) {
  const uint64_t sign = static_cast<uint64_t>(half >> 15) << 63;
  const uint64_t exponent = (half >> 10) & 0x1f;
  const uint64_t mantissa = half & 0x3ff;
  if (exponent == 0) {
    const double magnitude = static_cast<double>(mantissa) * 0x1p-24;
    return sign != 0 ? -magnitude : magnitude;
  }
  const uint64_t wide = exponent == 31 ? 0x7ff : exponent - 15 + 1023;
  return std::bit_cast<double>(sign | wide << 52 | mantissa << 42);
}

// Whether a half-precision float holds exactly `value`, which is no NaN.
bool FitsHalf(double value) {
  const uint64_t bits = std::bit_cast<uint64_t>(value);
  const uint64_t mantissa = bits & ((uint64_t{1} << 52) - 1);
  const int exponent = static_cast<int>(bits >> 52 & 0x7ff);
  if (exponent == 0x7ff || (exponent == 0 && mantissa == 0)) return true;  // infinity, zero
  const int power = exponent - 1023;
  if (power > 15 || power < -24) return false;
  const int kept = power >= -14 ? 10 : 24 + power;  // mantissa bits that a half has here
  return (mantissa & ((uint64_t{1} << (52 - kept)) - 1)) == 0;
}

bool Parser::SetFloat(uint32_t node, const Head& head) {
  double value;
  if (head.info == 25) {
    value = HalfToDouble(static_cast<uint16_t>(head.value));
  } else if (head.info == 26) {
    value = std::bit_cast<float>(static_cast<uint32_t>(head.value));
  } else {
    value = std::bit_cast<double>(head.value);
  }
  bool shortest = true;
  if (value != value) {
    shortest = head.info == 25 && head.value == 0x7e00;
  } else if (head.info == 26) {
    shortest = !FitsHalf(value);
  } else if (head.info == 27) {
    // A double beyond float's range must not be converted: that is undefined.
    const bool in_range = std::abs(value) <= std::numeric_limits<float>::max();
    const bool infinite = std::abs(value) > std::numeric_limits<double>::max();
    shortest = !infinite && !(in_range && static_cast<double>(static_cast<float>(value)) == value);
  }
  if (!shortest) return Fail("want a float in its shortest form, got a longer one");
  tree_.nodes[node].type = Type::kFloat;
  tree_.nodes[node].value = std::bit_cast<uint64_t>(value);
  return true;
}

bool Parser::Complete(uint32_t node) {
  while (true) {
    tree_.nodes[node].end = static_cast<uint32_t>(position_);
    tree_.nodes[node].next = static_cast<uint32_t>(tree_.nodes.size());
    if (stack_.empty()) return true;
    Frame& frame = stack_.back();
    const bool in_map = tree_.nodes[frame.node].type == Type::kMap;
    if (in_map && frame.remaining % 2 == 0 && !CheckKeyOrder(frame, node)) return false;
    if (--frame.remaining > 0) return true;
    if (in_map && !frame.ascending && !CheckDuplicates(frame.node)) return false;
    node = frame.node;
    stack_.pop_back();
  }
}

bool Parser::CheckKeyOrder(Frame& frame, uint32_t key) {
  const uint32_t previous = frame.last_key;
  frame.last_key = key;
  if (previous == kNone) return true;
  const int order = tree_.CompareEncoded(previous, key);
  if (order < 0) return true;
  if (order == 0) {
    frame.last_key = previous;
    return FailDuplicate(key);
  }
  frame.ascending = false;
  if (!limits_.require_sorted_maps) return true;
  frame.last_key = previous;
  return FailAt(tree_.nodes[key].begin, CurrentPath(),
                "want map keys in ascending order of their encoding, got another order");
}

bool Parser::CheckDuplicates(uint32_t map) {
  absl::InlinedVector<uint32_t, kSmallMap> keys;
  uint32_t key = map + 1;
  for (uint64_t i = 0; i < tree_.nodes[map].value; ++i) {
    keys.push_back(key);
    const uint32_t value = tree_.nodes[key].next;
    // The last value may be an open container's; its end is the end of the vector.
    if (i + 1 < tree_.nodes[map].value) key = tree_.nodes[value].next;
  }
  if (keys.size() <= kSmallMap) {
    for (size_t i = 1; i < keys.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (tree_.CompareEncoded(keys[i], keys[j]) == 0) return FailDuplicate(keys[i]);
      }
    }
    return true;
  }
  std::sort(keys.begin(), keys.end(), [this](uint32_t a, uint32_t b) {
    const int order = tree_.CompareEncoded(a, b);
    return order != 0 ? order < 0 : a < b;
  });
  for (size_t i = 1; i < keys.size(); ++i) {
    if (tree_.CompareEncoded(keys[i - 1], keys[i]) == 0) return FailDuplicate(keys[i]);
  }
  return true;
}

// The innermost frame is that of the map which holds `key`.
bool Parser::FailDuplicate(uint32_t key) {
  Frame& frame = stack_.back();
  frame.last_key = key;
  frame.remaining |= 1;  // CurrentPath then names the pair, not its number.
  return FailAt(tree_.nodes[key].begin, CurrentPath(), "want every map key once, got it again");
}

std::string Parser::CurrentPath() const {
  std::string path = tree_.root_path;
  for (const Frame& frame : stack_) {
    const Node& node = tree_.nodes[frame.node];
    if (node.type == Type::kArray) {
      Append(&path, "[", node.value - frame.remaining, "]");
    } else if (node.type == Type::kMap && frame.remaining % 2 == 1) {
      tree_.AppendKey(frame.last_key, path);
    } else if (node.type == Type::kMap) {
      Append(&path, ".{key ", node.value - frame.remaining / 2, "}");
    }
  }
  return path;
}

}  // namespace

absl::Status ErrorAt(size_t offset, std::string_view path, std::string_view message) {
  return absl::InvalidArgumentError(Concat("offset ", offset, ", ", path, ": ", message));
}

Document::Document(std::unique_ptr<const Tree> tree) : tree_(std::move(tree)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

absl::StatusOr<Document> Document::Parse(Bytes bytes, const Limits& limits,
                                         std::string_view root_path) {
  auto tree = std::make_unique<Tree>(
      Tree{.bytes = bytes, .root_path = std::string(root_path), .nodes = {}});
  Parser parser(*tree, limits);
  if (!parser.Run()) return parser.error();
  return Document(std::move(tree));
}

Item Document::root() const { return Item(tree_.get(), 0); }

}  // namespace tam::cbor

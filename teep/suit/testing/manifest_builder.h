// Builds SUIT manifests, also malformed ones, for tests.
#ifndef TAMARACK_TEEP_SUIT_TESTING_MANIFEST_BUILDER_H_
#define TAMARACK_TEEP_SUIT_TESTING_MANIFEST_BUILDER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "teep/suit/envelope.h"

namespace tam::suit::testing {

// Encoded items.
std::string UintItem(uint64_t value);
std::string BytesItem(std::string_view value);
std::string TextItem(std::string_view value);
std::string BoolItem(bool value);
// Parameter 3: bstr of the SUIT_Digest of `image`.
std::string DigestItem(std::string_view image);

// A command sequence, command by command.
class SequenceBuilder {
 public:
  // Argument: a reporting policy.
  SequenceBuilder& Command(int64_t code, uint64_t policy = 15);
  SequenceBuilder& CommandRaw(int64_t code, std::string argument);
  SequenceBuilder& Index(uint64_t index);
  SequenceBuilder& AllComponents();
  SequenceBuilder& Override(const Parameters& parameters);
  SequenceBuilder& SetParameters(const Parameters& parameters);
  SequenceBuilder& TryEach(const std::vector<SequenceBuilder>& branches, bool or_nothing = false);
  SequenceBuilder& Run(const SequenceBuilder& sequence);
  std::string Encode() const;

 private:
  std::vector<std::string> items_;
};

struct ManifestBuilder {
  uint64_t version = 1;
  uint64_t sequence_number = 1;
  std::vector<ComponentId> components = {{"TEE", "app", "ta"}};
  std::map<uint64_t, ComponentId> dependencies;  // index -> prefix
  std::optional<ComponentId> manifest_component_id = ComponentId{"TEE", "app", "suit"};
  std::optional<SequenceBuilder> shared;
  // Manifest key -> sequence.
  std::map<int64_t, SequenceBuilder> sections;
  // Manifest key -> encoded value; wins over what the fields above say.
  std::map<int64_t, std::string> raw_members;

  std::string Encode() const;

  static ManifestBuilder InstallOf(std::string_view payload, uint64_t sequence_number = 1);
};

inline constexpr char kVendor[] = "vendor-id-16byte";
inline constexpr char kClass[] = "class-id-16bytes";

}  // namespace tam::suit::testing

#endif  // TAMARACK_TEEP_SUIT_TESTING_MANIFEST_BUILDER_H_

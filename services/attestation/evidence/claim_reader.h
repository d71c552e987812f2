// The claims of an authentic map, each with the name and the form that its profile gives it.
#ifndef TAMARACK_SERVICES_ATTESTATION_EVIDENCE_CLAIM_READER_H_
#define TAMARACK_SERVICES_ATTESTATION_EVIDENCE_CLAIM_READER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "services/attestation/eat/appraisal.h"

namespace tam::attestation {

// Where a claim stands and what it is called in findings.
struct ClaimName {
  int64_t label;
  std::string_view name;
};

enum class Need { kMust, kMay };

inline constexpr size_t kMaxClaimText = 256;

// Reads on after what is wrong, and keeps the first of it; what is wrong or absent reads as empty.
// Borrows the map. Not thread safe.
class ClaimReader {
 public:
  // `path` stands before the names.
  ClaimReader(cbor::Item map, std::string_view path) : map_(map), path_(path) {}

  // Of one of these sizes.
  std::string Octets(ClaimName claim, Need need, const std::vector<size_t>& sizes);
  std::string OctetsWithin(ClaimName claim, Need need, size_t min, size_t max);
  // 1..kMaxClaimText bytes without control characters.
  std::string Text(ClaimName claim, Need need);
  // 0 where absent.
  int64_t Number(ClaimName claim, Need need, int64_t min, int64_t max);
  // Of min..max elements.
  std::optional<cbor::Item> Array(ClaimName claim, Need need, size_t min, size_t max);

  bool Has(int64_t label) const { return map_.Find(label).has_value(); }
  void Wrong(std::string_view name, std::string_view expected, std::string_view found);
  const std::optional<Finding>& wrong() const { return wrong_; }

 private:
  // Nullopt, with a finding where it must be there.
  std::optional<cbor::Item> Find(ClaimName claim, Need need);

  cbor::Item map_;
  std::string path_;
  std::optional<Finding> wrong_;
};

}  // namespace tam::attestation

#endif  // TAMARACK_SERVICES_ATTESTATION_EVIDENCE_CLAIM_READER_H_

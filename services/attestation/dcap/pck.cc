#include "services/attestation/dcap/pck.h"

#include <map>
#include <optional>

#include "crypto/text/text.h"
#include "crypto/x509/der.h"
#include "services/attestation/dcap/fault.h"

namespace tam::attestation::dcap {
namespace {

constexpr char kExtension[] = "1.2.840.113741.1.13.1";
constexpr std::string_view kSubject = "Intel SGX PCK Certificate";
constexpr std::string_view kProcessorCa = "Intel SGX PCK Processor CA";
constexpr std::string_view kPlatformCa = "Intel SGX PCK Platform CA";
constexpr size_t kPceSvn = 17;
constexpr size_t kCpuSvn = 18;

// By the number under the parent's OID.
using Fields = std::map<std::string, x509::DerElement>;

absl::StatusOr<Fields> ReadFields(std::string_view parent, std::string_view content) {
  const auto pairs = x509::ReadDer(content);
  if (!pairs.ok()) return pairs.status();
  Fields fields;
  for (const x509::DerElement& pair : *pairs) {
    if (pair.tag != x509::kDerSequence) return Fault("der", "pairs", "another element");
    const auto both = x509::ReadDer(pair.content);
    if (!both.ok()) return both.status();
    if (both->size() != 2) return Fault("der", "pairs", Concat(both->size(), " elements"));
    const auto oid = x509::DerOidText(both->front());
    if (!oid.ok()) return oid.status();
    const std::string prefix = Concat(parent, ".");
    if (!oid->starts_with(prefix)) return Fault("der", Concat("OIDs below ", parent), *oid);
    if (!fields.emplace(oid->substr(prefix.size()), both->back()).second) {
      return Fault("der", Concat(*oid, " once"), "twice");
    }
  }
  return fields;
}

absl::Status TakeOctets(const Fields& fields, const std::string& number, size_t size,
                        std::string& to) {
  const auto found = fields.find(number);
  if (found == fields.end() || found->second.tag != x509::kDerOctetString ||
      found->second.content.size() != size) {
    return Fault(number, Concat(size, " octets"), found == fields.end() ? "none" : "others");
  }
  to = std::string(found->second.content);
  return absl::OkStatus();
}

template <typename Number>
absl::Status TakeNumber(const Fields& fields, size_t number, uint64_t max, Number& to) {
  const auto found = fields.find(std::to_string(number));
  if (found == fields.end()) return Fault(Concat("2.", number), "an integer", "none");
  const auto value = x509::DerNumber(found->second);
  if (!value.ok()) return value.status();
  if (*value > max) return Fault(Concat("2.", number), Concat("at most ", max), Concat(*value));
  to = static_cast<Number>(*value);
  return absl::OkStatus();
}

absl::Status ReadTcb(const Fields& fields, PckFacts& facts) {
  const auto found = fields.find("2");
  if (found == fields.end() || found->second.tag != x509::kDerSequence) {
    return Fault("2", "a sequence", "none");
  }
  const auto tcb = ReadFields(Concat(kExtension, ".2"), found->second.content);
  if (!tcb.ok()) return tcb.status();
  for (size_t i = 0; i < facts.svns.components.size(); ++i) {
    if (absl::Status s = TakeNumber(*tcb, i + 1, 0xff, facts.svns.components[i]); !s.ok()) return s;
  }
  if (absl::Status s = TakeNumber(*tcb, kPceSvn, 0xffff, facts.svns.pce_svn); !s.ok()) return s;
  return TakeOctets(*tcb, std::to_string(kCpuSvn), 16, facts.cpu_svn);
}

absl::Status ReadExtension(std::string_view der, PckFacts& facts) {
  const auto outer = x509::ReadDer(der);
  if (!outer.ok()) return outer.status();
  if (outer->size() != 1 || outer->front().tag != x509::kDerSequence) {
    return Fault("der", "one sequence", "another");
  }
  const auto fields = ReadFields(kExtension, outer->front().content);
  if (!fields.ok()) return fields.status();
  if (absl::Status s = TakeOctets(*fields, "1", 16, facts.ppid); !s.ok()) return s;
  if (absl::Status s = ReadTcb(*fields, facts); !s.ok()) return s;
  if (absl::Status s = TakeOctets(*fields, "3", 2, facts.pce_id); !s.ok()) return s;
  if (absl::Status s = TakeOctets(*fields, "4", 6, facts.fmspc); !s.ok()) return s;
  const auto type = fields->find("5");
  if (type == fields->end() || type->second.tag != x509::kDerEnumerated) {
    return Fault("5", "an enumerated", "none");
  }
  if (!fields->contains("6")) return absl::OkStatus();
  return TakeOctets(*fields, "6", 16, facts.platform_instance_id);
}

}  // namespace

absl::StatusOr<PckFacts> ReadPck(const x509::Certificate& leaf) {
  PckFacts facts;
  if (leaf.common_name() != kSubject) {
    return Fault("pck_chain[0].subject", kSubject, leaf.subject());
  }
  const std::string issuer = leaf.issuer_common_name();
  if (issuer != kProcessorCa && issuer != kPlatformCa) {
    return Fault("pck_chain[0].issuer", Concat(kProcessorCa, " or ", kPlatformCa), issuer);
  }
  facts.ca = issuer == kPlatformCa ? PckCa::kPlatform : PckCa::kProcessor;
  if (!leaf.MaySign() || leaf.key().kind() != verify::Kind::kP256) {
    return Fault("pck_chain[0].key", "a P-256 key that may sign", "another");
  }
  facts.serial = leaf.serial();
  const auto extension = leaf.Extension(kExtension);
  if (!extension.has_value()) return Fault("pck_chain[0].sgx_extension", "one", "none, or more");
  if (absl::Status s = ReadExtension(*extension, facts); !s.ok()) {
    return absl::Status(s.code(),
                        AbslView(Concat("pck_chain[0].sgx_extension.", StdView(s.message()))));
  }
  return facts;
}

}  // namespace tam::attestation::dcap

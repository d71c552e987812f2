#include <utility>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/secret/secret.h"
#include "crypto/text/text.h"
#include "teep/suit/report.h"
#include "teep/suit/status_macros.h"

namespace tam::suit {
namespace {

constexpr uint64_t kTagMac0 = 17;
constexpr uint64_t kTagSign1 = 18;
constexpr uint64_t kTagEncrypt = 96;

std::string_view ContainerName(uint64_t tag) {
  switch (tag) {
    case 16:
      return "COSE_Encrypt0";
    case 97:
      return "COSE_Mac";
    case 98:
      return "COSE_Sign";
    default:
      return "";
  }
}

cbor::Limits LimitsOf(Bytes bytes) { return cbor::Limits{.max_bytes = bytes.size()}; }

bool HasKid(const cose::Message& message, const keys::PublicKey& key) {
  const auto& kid = message.signers()[0].kid;
  return kid.has_value() && *kid == cbor::AsView(key.thumbprint());
}

bool Verifies(const cose::Message& message, const keys::PublicKey& key) {
  return message.Verify(key, cose::AlgorithmPolicy::WithOlderNumbers()).ok();
}

// By whom a COSE_Sign1 is signed. Unauthenticated when it names a known key that did not sign it.
absl::Status Judge(const cose::Message& message, const ReportKeys& keys, ContainedReport& out) {
  out.protection = ReportProtection::kUnknownKey;
  const keys::PublicKey* const own = keys.message_key;
  bool named = own != nullptr && HasKid(message, *own);
  if (own != nullptr && Verifies(message, *own)) {
    out.protection = ReportProtection::kMessageKey;
    out.signed_by = own->thumbprint();
    return absl::OkStatus();
  }
  for (const keys::PublicKey& key : keys.report_keys) {
    named = named || HasKid(message, key);
    if (!Verifies(message, key)) continue;
    out.protection = ReportProtection::kVerified;
    out.signed_by = key.thumbprint();
    return absl::OkStatus();
  }
  if (!named) return absl::OkStatus();
  return absl::UnauthenticatedError("suit-report: signature under a known key does not verify");
}

// COSE_Sign1 or COSE_Mac0, tagged or not.
absl::StatusOr<ContainedReport> OpenProtected(Bytes bytes, const ReportKeys& keys) {
  SUIT_ASSIGN_OR_RETURN(const cose::Message message,
                        cose::Message::Parse(bytes, cose::TagRule::kOptional));
  if (message.structure() == cose::Structure::kSign) {
    return absl::UnimplementedError("suit-report: want COSE_Sign1 or COSE_Mac0, got COSE_Sign");
  }
  if (!message.unverified_payload().has_value()) {
    return absl::InvalidArgumentError("suit-report: want an attached payload, got nil");
  }
  ContainedReport out;
  out.protection = ReportProtection::kUnknownKey;  // Nobody shares a MAC key with us.
  if (message.structure() == cose::Structure::kSign1) {
    SUIT_RETURN_IF_ERROR(Judge(message, keys, out));
  }
  SUIT_ASSIGN_OR_RETURN(out.report, ParseReport(cbor::AsBytes(*message.unverified_payload())));
  return out;
}

absl::StatusOr<ContainedReport> OpenAny(Bytes bytes, const ReportKeys& keys, bool may_decrypt);

absl::StatusOr<ContainedReport> OpenEncrypted(Bytes bytes, const ReportKeys& keys) {
  if (!keys.decrypt) {
    return absl::UnimplementedError("suit-report: want a key for COSE_Encrypt, got none");
  }
  SUIT_ASSIGN_OR_RETURN(const std::string inside, keys.decrypt(bytes));
  SUIT_ASSIGN_OR_RETURN(ContainedReport out, OpenAny(cbor::AsBytes(inside), keys, false));
  out.encrypted = true;
  return out;
}

absl::StatusOr<ContainedReport> OpenAny(Bytes bytes, const ReportKeys& keys, bool may_decrypt) {
  SUIT_ASSIGN_OR_RETURN(cbor::Document document,
                        cbor::Document::Parse(bytes, LimitsOf(bytes), "suit-report"));
  const cbor::Item root = document.root();
  if (root.is_map()) {
    SUIT_ASSIGN_OR_RETURN(Report report, ParseReport(bytes));
    return ContainedReport{.report = std::move(report), .signed_by = std::nullopt};
  }
  const uint64_t tag = root.is_tag() ? root.tag() : 0;
  if (root.is_array() || tag == kTagSign1 || tag == kTagMac0) return OpenProtected(bytes, keys);
  if (tag == kTagEncrypt && may_decrypt) return OpenEncrypted(bytes, keys);
  if (tag == kTagEncrypt) return root.Error("want a report in COSE_Encrypt, got another one in it");
  if (!ContainerName(tag).empty()) {
    return absl::UnimplementedError(
        Concat("suit-report: want a bare report, COSE_Sign1, COSE_Mac0 or COSE_Encrypt, got ",
               ContainerName(tag)));
  }
  return root.Error("want a SUIT_Report map or a COSE container");
}

}  // namespace

absl::StatusOr<ContainedReport> OpenReport(Bytes bytes, const ReportKeys& keys) {
  return OpenAny(bytes, keys, true);
}

bool HasNonce(const Report& report, std::string_view token) {
  return report.nonce.has_value() &&
         secret::ConstantTimeEquals(cbor::AsBytes(*report.nonce), cbor::AsBytes(token));
}

}  // namespace tam::suit

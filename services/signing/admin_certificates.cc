// Certificate chains of the keys that sign TEEP messages.
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/keys/key.h"
#include "crypto/text/text.h"
#include "crypto/x509/chain.h"
#include "services/runtime/resource_name.h"
#include "services/signing/admin_handler.h"
#include "services/signing/convert.h"

namespace tam::signing {
namespace {

std::string KeyName(const std::string& tenant, const storage::KeyThumbprint& key) {
  return Concat("tenants/", tenant, "/signingKeys/", key.ToString());
}

v1::KeyCertificate ToProto(const std::string& tenant, const storage::KeyCertificate& certificate) {
  v1::KeyCertificate out;
  out.set_name(Concat(KeyName(tenant, certificate.key), "/certificates/", certificate.position));
  out.set_position(certificate.position);
  for (const storage::Bytes& der : certificate.chain) {
    out.add_certificates(cbor::AsString(der));
  }
  SetTime(certificate.not_before, *out.mutable_not_before());
  SetTime(certificate.not_after, *out.mutable_not_after());
  SetTime(certificate.created, *out.mutable_create_time());
  return out;
}

std::string TimeText(absl::Time time) {
  return std::string(absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone()));
}

// The chain, as it is to be stored for `key` at `now`.
absl::StatusOr<storage::KeyCertificate> Checked(const v1::AddKeyCertificateRequest& request,
                                                const storage::SigningKey& key, absl::Time now) {
  const std::vector<std::string> chain(request.certificates().begin(),
                                       request.certificates().end());
  const auto facts = x509::CheckChain(chain);
  if (!facts.ok()) return facts.status();
  if (facts->leaf.thumbprint() != key.thumbprint.array()) {
    return absl::InvalidArgumentError(Concat("chain[0]: subjectPublicKeyInfo: want the key ",
                                             key.thumbprint.ToString(), ", got ",
                                             keys::ThumbprintHex(facts->leaf.thumbprint())));
  }
  if (facts->not_after < now) {
    return absl::InvalidArgumentError(Concat("chain: want one that is valid after ", TimeText(now),
                                             ", got one until ", TimeText(facts->not_after)));
  }
  storage::KeyCertificate certificate;
  certificate.tenant = key.tenant;
  certificate.key = key.thumbprint;
  for (const std::string& der : chain) certificate.chain.emplace_back(der.begin(), der.end());
  certificate.not_before = facts->not_before;
  certificate.not_after = facts->not_after;
  return certificate;
}

}  // namespace

absl::StatusOr<v1::AddKeyCertificateResponse> AdminHandler::AddKeyCertificate(
    const runtime::CallContext& context, const v1::AddKeyCertificateRequest& request) {
  auto named = FindNamed(context, request.parent(), "parent");
  if (!named.ok()) return named.status();
  auto key = store_.GetKey(named->tenant.id, named->key, {context.deadline});
  if (!key.ok()) return key.status();
  if (key->purpose != storage::SigningPurpose::kTeepMessage) {
    return absl::FailedPreconditionError("signing-key.purpose: want TEEP_MESSAGE, got another");
  }
  auto now = clock_.Now({context.deadline});
  if (!now.ok()) return now.status();
  auto certificate = Checked(request, *key, *now);
  if (!certificate.ok()) return certificate.status();
  auto added = keys_.AddCertificate(context, *certificate);
  if (!added.ok()) return added.status();
  v1::AddKeyCertificateResponse response;
  *response.mutable_certificate() = ToProto(named->tenant.name, *added);
  return response;
}

absl::StatusOr<v1::ListKeyCertificatesResponse> AdminHandler::ListKeyCertificates(
    const runtime::CallContext& context, const v1::ListKeyCertificatesRequest& request) {
  auto named = FindNamed(context, request.parent(), "parent");
  if (!named.ok()) return named.status();
  auto key = store_.GetKey(named->tenant.id, named->key, {context.deadline});
  if (!key.ok()) return key.status();
  auto all = store_.ListCertificates(named->tenant.id, {context.deadline});
  if (!all.ok()) return all.status();
  v1::ListKeyCertificatesResponse response;
  for (const storage::KeyCertificate& certificate : *all) {
    if (certificate.key != named->key) continue;
    *response.add_certificates() = ToProto(named->tenant.name, certificate);
  }
  return response;
}

absl::StatusOr<v1::RemoveKeyCertificateResponse> AdminHandler::RemoveKeyCertificate(
    const runtime::CallContext& context, const v1::RemoveKeyCertificateRequest& request) {
  auto parts = runtime::ParseResourceName(
      "name", request.name(), "tenants/{t}/signingKeys/{thumbprint}/certificates/{position}");
  if (!parts.ok()) return parts.status();
  const std::string& text = (*parts)[2];
  int32_t position = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), position);
  if (error != std::errc() || end != text.data() + text.size()) {
    return absl::InvalidArgumentError(Concat("name: want a position as number, got ", text));
  }
  auto named = FindNamed(context, Concat("tenants/", (*parts)[0], "/signingKeys/", (*parts)[1]));
  if (!named.ok()) return named.status();
  if (auto s = keys_.RemoveCertificate(context, named->tenant.id, named->key, position); !s.ok()) {
    return s;
  }
  return v1::RemoveKeyCertificateResponse();
}

}  // namespace tam::signing

// Makes a signed SUIT envelope for one component: what `tamctl manifest create` and tests use.
#ifndef TAMARACK_TEEP_SUIT_AUTHOR_H_
#define TAMARACK_TEEP_SUIT_AUTHOR_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "crypto/keys/key.h"
#include "teep/suit/envelope.h"

namespace tam::suit {

struct ManifestSpec {
  ComponentId component_id;
  ComponentId manifest_component_id;  // key 5; must differ from component_id
  uint64_t sequence_number = 0;
  std::string vendor_id;  // 16 bytes
  std::string class_id;   // 16 bytes
  // Exactly one of the two: the payload itself ("#tc" integrated), or where it lies.
  std::optional<std::string> payload;
  struct Remote {
    std::string uri;
    Digest digest;
    uint64_t size = 0;
  };
  std::optional<Remote> remote;
  std::optional<std::string> reference_uri;
};

// Shared sequence: vendor, class, digest, size, conditions 1 and 2; install: fetch and image-match;
// validate: image-match; uninstall: unlink. InvalidArgument names the field.
absl::StatusOr<std::string> CreateSignedEnvelope(const ManifestSpec& spec,
                                                 const keys::PrivateKey& signer);

// The envelope around any encoded SUIT_Manifest map: digest, one detached COSE_Sign1 by `signer`,
// and the integrated payloads by name. The manifest is taken as it is, valid or not:
// Envelope::Parse judges it.
absl::StatusOr<std::string> SignManifest(std::string_view manifest,
                                         const std::map<std::string, std::string>& payloads,
                                         const keys::PrivateKey& signer);

}  // namespace tam::suit

#endif  // TAMARACK_TEEP_SUIT_AUTHOR_H_

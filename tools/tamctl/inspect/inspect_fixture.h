// Keys, signatures and the call that the tests of inspect share.
#ifndef TAMARACK_TOOLS_TAMCTL_INSPECT_INSPECT_FIXTURE_H_
#define TAMARACK_TOOLS_TAMCTL_INSPECT_INSPECT_FIXTURE_H_

#include <string>
#include <string_view>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/keys/key.h"
#include "tools/tamctl/inspect/inspect.h"

namespace tam::inspect {

inline keys::PrivateKey MakeKey(keys::KeyType type = keys::KeyType::kP256) {
  return *keys::PrivateKey::Generate(type);
}

inline std::string Sign(const keys::PrivateKey& key, std::string_view payload,
                        const cose::SignOptions& options = cose::SignOptions()) {
  return *cose::Sign1(key, cbor::AsBytes(payload), options);
}

inline Result Look(std::string_view bytes, const std::vector<NamedKey>& keys = {},
                   const Options& options = Options()) {
  return Inspect(cbor::AsBytes(bytes), keys, options);
}

}  // namespace tam::inspect

#endif  // TAMARACK_TOOLS_TAMCTL_INSPECT_INSPECT_FIXTURE_H_

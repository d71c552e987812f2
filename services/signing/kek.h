// The key encryption key: the one secret that operators hand to the signing service.
#ifndef TAMARACK_SERVICES_SIGNING_KEK_H_
#define TAMARACK_SERVICES_SIGNING_KEK_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "crypto/secret/secret.h"
#include "storage/model/id.h"
#include "storage/model/signing.h"

namespace tam::signing {

// Reads a file of exactly 32 bytes, or of 64 hexadecimal digits with or without a line end.
// NotFound when it cannot be opened, FailedPrecondition when others can (runtime/secret_file.h),
// InvalidArgument when it holds anything else.
absl::StatusOr<secret::KeyWrapper> ReadKek(const std::string& path);

// What binds a wrapped key to its place, so that a row copied to another tenant, key or purpose
// does not unwrap.
std::string KeyContext(const storage::TenantId& tenant, const storage::KeyThumbprint& key,
                       storage::SigningPurpose purpose);
std::string RootContext(const storage::ChallengeRootId& root);

}  // namespace tam::signing

#endif  // TAMARACK_SERVICES_SIGNING_KEK_H_

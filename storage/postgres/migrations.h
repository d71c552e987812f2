// The numbered SQL files of storage/postgres/migrations, embedded at build time.

#ifndef TAMARACK_STORAGE_POSTGRES_MIGRATIONS_H_
#define TAMARACK_STORAGE_POSTGRES_MIGRATIONS_H_

#include "absl/types/span.h"

namespace tam::storage::postgres {

struct Migration {
  int version;
  // The file's name without folder.
  const char* name;
  const char* sql;
};

// In order: versions 1, 2, ... without gap.
absl::Span<const Migration> Migrations();

}  // namespace tam::storage::postgres

#endif  // TAMARACK_STORAGE_POSTGRES_MIGRATIONS_H_

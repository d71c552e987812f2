// How a published manifest is shown, by the nouns that show one.
#ifndef TAMARACK_TOOLS_TAMCTL_NOUNS_MANIFEST_COLUMNS_H_
#define TAMARACK_TOOLS_TAMCTL_NOUNS_MANIFEST_COLUMNS_H_

#include <vector>

#include "tools/tamctl/output.h"

namespace tam::tamctl {

// Of tam.v1.Manifest.
const std::vector<Column>& ManifestColumns();

}  // namespace tam::tamctl

#endif  // TAMARACK_TOOLS_TAMCTL_NOUNS_MANIFEST_COLUMNS_H_

// Which integrated payloads belong to a component, and an envelope without one of them.
#include <set>

#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "teep/suit/commands.h"
#include "teep/suit/dry_run.h"
#include "teep/suit/envelope.h"
#include "teep/suit/status_macros.h"

namespace tam::suit {
namespace {

std::string HeadOfMap(size_t pairs) { return std::move(cbor::Writer().MapHead(pairs)).Take(); }

}  // namespace

absl::StatusOr<std::vector<std::string>> PayloadsOf(const Envelope& envelope,
                                                    const ComponentId& component) {
  const Manifest& manifest = envelope.unverified_manifest();
  std::set<std::string> of_component, of_others;
  const auto note = [&](const Step& step, Way& way) {
    if (step.code != command::kFetch) return absl::OkStatus();
    for (const uint64_t index : way.current) {
      const auto uri = UriOf(way, index);
      if (!uri.has_value() || !envelope.integrated_payloads().contains(*uri)) continue;
      const bool its_own =
          index < manifest.components.size() && manifest.components[index] == component;
      (its_own ? of_component : of_others).insert(*uri);
    }
    return absl::OkStatus();
  };
  SUIT_RETURN_IF_ERROR(DryRun(manifest, note).status());
  for (const std::string& shared : of_others) of_component.erase(shared);
  return std::vector<std::string>(of_component.begin(), of_component.end());
}

absl::StatusOr<Envelope> WithoutPayload(const Envelope& envelope, std::string_view name) {
  const std::string_view bytes = envelope.bytes();
  SUIT_ASSIGN_OR_RETURN(cbor::Document document,
                        cbor::Document::Parse(cbor::AsBytes(bytes), cbor::Limits(), "envelope"));
  const cbor::Item root = document.root().is_tag() ? document.root().at(0) : document.root();
  std::optional<size_t> first_member;
  for (const auto [key, value] : root.each_pair()) {
    if (!first_member.has_value()) first_member = key.offset();
    if (!key.is_text() || *key.Text() != name) continue;
    const size_t end = value.offset() + value.encoded().size();
    return Envelope::Parse(cbor::AsBytes(
        Concat(bytes.substr(0, root.offset()), HeadOfMap(root.size() - 1),
               bytes.substr(*first_member, key.offset() - *first_member), bytes.substr(end))));
  }
  return absl::NotFoundError(Concat("envelope.", name, ": no integrated payload of this name"));
}

}  // namespace tam::suit

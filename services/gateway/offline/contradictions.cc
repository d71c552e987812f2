#include "services/gateway/offline/contradictions.h"

#include <map>
#include <optional>
#include <utility>

#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "teep/suit/commands.h"

namespace tam::gateway {
namespace {

// Algorithm and bytes.
using Image = std::pair<int64_t, std::string>;
using Images = std::map<teep::ComponentId, Image>;

std::optional<Image> ImageIn(const suit::Parameters& parameters) {
  const auto found = parameters.find(suit::parameter::kImageDigest);
  if (found == parameters.end()) return std::nullopt;
  const auto document = cbor::Document::Parse(cbor::AsBytes(found->second));
  if (!document.ok()) return std::nullopt;
  const auto bytes = document->root().ByteString();
  if (!bytes.ok()) return std::nullopt;
  const auto digest = suit::ParseDigest(*bytes, "image-digest");
  if (!digest.ok()) return std::nullopt;
  return Image(digest->algorithm, digest->bytes);
}

// The images of tc-list; a contradiction where it has one component with two.
std::string Collect(const std::vector<teep::SystemPropertyClaims>& tc_list, Images& out) {
  for (const teep::SystemPropertyClaims& claims : tc_list) {
    if (!claims.image_digest.has_value()) continue;
    const Image image(claims.image_digest->algorithm, claims.image_digest->bytes);
    const auto [at, is_new] = out.emplace(claims.component_id, image);
    if (!is_new && at->second.first == image.first && at->second != image) {
      return Concat("tc-list has two images of ", suit::ComponentIdText(claims.component_id));
    }
  }
  return "";
}

std::string CompareReport(const std::string& bytes, const suit::ReportKeys& keys,
                          const Images& images) {
  const auto opened = suit::OpenReport(cbor::AsBytes(bytes), keys);
  if (!opened.ok()) return "";  // nothing readable
  for (const suit::ReportedClaims& claims : opened->report.claims) {
    const auto reported = ImageIn(claims.parameters);
    const auto listed = images.find(claims.component_id);
    if (!reported.has_value() || listed == images.end()) continue;
    if (listed->second.first == reported->first && listed->second != *reported) {
      return Concat("tc-list and a suit-report have different images of ",
                    suit::ComponentIdText(claims.component_id));
    }
  }
  return "";
}

std::string CompareRequests(const teep::QueryResponse& response) {
  for (const teep::RequestedTcInfo& wanted : response.requested_tc_list) {
    if (wanted.manifest_sequence_number.has_value()) continue;
    for (const teep::SystemPropertyClaims& claims : *response.tc_list) {
      if (claims.component_id != wanted.component_id) continue;
      return Concat("requested-tc-list asks for ", suit::ComponentIdText(wanted.component_id),
                    ", which tc-list has");
    }
  }
  return "";
}

}  // namespace

std::string ContradictionIn(const teep::Message& message, const suit::ReportKeys& keys) {
  const auto* response = std::get_if<teep::QueryResponse>(&message);
  if (response == nullptr || !response->tc_list.has_value()) return "";
  Images images;
  if (std::string found = Collect(*response->tc_list, images); !found.empty()) return found;
  for (const std::string& report : response->suit_reports) {
    if (std::string found = CompareReport(report, keys, images); !found.empty()) return found;
  }
  return CompareRequests(*response);
}

}  // namespace tam::gateway

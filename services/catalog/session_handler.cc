#include "services/catalog/session_handler.h"

#include <optional>
#include <utility>

#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "services/catalog/convert.h"
#include "services/catalog/held.h"
#include "services/catalog/publication.h"
#include "teep/suit/envelope.h"

namespace tam::catalog {
namespace {

constexpr size_t kMaxViews = 256;
constexpr size_t kMaxFacts = 16384;
constexpr int kMaxDigests = kMaxPlanManifests;
constexpr size_t kMaxEnvelopesBytes = 1 << 20;
constexpr uint64_t kDefaultPlanBytes = 786432;

template <typename Id>
absl::StatusOr<Id> IdOf(const std::string& bytes, std::string_view field) {
  absl::StatusOr<Id> id = Id::FromBytes(cbor::AsBytes(bytes));
  if (id.ok()) return id;
  return absl::InvalidArgumentError(
      Concat(field, ": want ", Id::kSize, " bytes, found ", bytes.size()));
}

absl::Status ReadInstalled(const v1::ResolveRequest& request, DeviceFacts& facts) {
  for (const v1::ManifestRef& ref : request.installed()) {
    InstalledManifest installed;
    auto digest = IdOf<storage::ManifestDigest>(ref.digest(), "installed.digest");
    if (!digest.ok()) return digest.status();
    auto domain = IdOf<storage::DomainId>(ref.domain_uid(), "installed.domain_uid");
    if (!domain.ok()) return domain.status();
    installed.manifest = {*domain, *digest};
    installed.sequence = ref.sequence();
    if (!ref.component_id().empty()) {
      auto id = ComponentIdFromWire(ref.component_id(), "installed.component_id");
      if (!id.ok()) return id.status();
      installed.manifest_component = *std::move(id);
    }
    facts.installed.push_back(std::move(installed));
  }
  return absl::OkStatus();
}

// Of what a device names: draft -37 has any number of segments of any size, and what is no
// identifier of the catalogue's lies in none of its domains.
std::optional<storage::ComponentId> IdInCatalogue(const std::string& encoded) {
  absl::StatusOr<storage::ComponentId> id = ComponentIdFromWire(encoded, "component_id");
  if (!id.ok()) return std::nullopt;
  return *std::move(id);
}

void ReadReported(const v1::ResolveRequest& request, DeviceFacts& facts) {
  if (request.has_reported()) facts.reported.emplace();
  for (const v1::PresentComponent& present : request.reported()) {
    auto id = IdInCatalogue(present.component_id());
    if (id && facts.reported.has_value()) (*facts.reported)[*id] = present.image_digest();
  }
  for (const v1::RequestedComponent& requested : request.requested()) {
    auto id = IdInCatalogue(requested.component_id());
    if (id) facts.requested[*id] = requested.min_sequence();
  }
  for (const std::string& unneeded : request.unneeded()) {
    auto id = IdInCatalogue(unneeded);
    if (id) facts.unneeded.insert(*std::move(id));
  }
}

absl::StatusOr<DeviceFacts> FactsFromProto(const v1::ResolveRequest& request) {
  DeviceFacts facts;
  auto device = IdOf<storage::DeviceId>(request.device_uid(), "device_uid");
  if (!device.ok()) return device.status();
  facts.device = *device;
  if (request.has_device_class()) {
    const std::string& oemid = request.device_class().oemid();
    const std::string& hwmodel = request.device_class().hwmodel();
    facts.device_class = storage::DeviceClass{storage::Bytes(oemid.begin(), oemid.end()),
                                              storage::Bytes(hwmodel.begin(), hwmodel.end())};
  }
  facts.labels = storage::Labels(request.labels().begin(), request.labels().end());
  facts.attested = request.attested();
  if (absl::Status status = ReadInstalled(request, facts); !status.ok()) return status;
  ReadReported(request, facts);
  return facts;
}

std::vector<HeldBinary> HeldFromProto(const v1::GetEnvelopesRequest& request) {
  std::vector<HeldBinary> held;
  for (const v1::HeldBinary& from : request.held()) {
    auto id = suit::ParseComponentId(cbor::AsBytes(from.component_id()), "held.component_id");
    // What is no identifier of a manifest is in none.
    if (id.ok()) held.push_back({*std::move(id), from.min_sequence(), from.image_digest()});
  }
  return held;
}

v1::ResolveResponse PlanToProto(const Plan& plan, uint64_t generation) {
  v1::ResolveResponse response;
  for (const storage::Manifest& manifest : plan.install) {
    v1::ManifestRef* ref = response.add_install();
    ref->set_digest(cbor::AsString(manifest.digest.bytes()));
    ref->set_component_id(ComponentIdToWire(manifest.manifest_component));
    ref->set_sequence(manifest.sequence);
    ref->set_domain_uid(cbor::AsString(manifest.domain.bytes()));
  }
  for (const storage::ComponentId& id : plan.unlink) response.add_unlink(ComponentIdToWire(id));
  for (const storage::ComponentId& id : plan.kept) response.add_kept(ComponentIdToWire(id));
  response.set_generation(static_cast<int64_t>(generation));
  return response;
}

}  // namespace

absl::StatusOr<v1::ResolveResponse> CatalogSessionHandler::Resolve(
    const runtime::CallContext& context, const v1::ResolveRequest& request) {
  const storage::CallDeadline deadline{context.deadline};
  auto tenant = IdOf<storage::TenantId>(request.tenant_uid(), "tenant_uid");
  if (!tenant.ok()) return tenant.status();
  absl::StatusOr<DeviceFacts> device = FactsFromProto(request);
  if (!device.ok()) return device.status();
  if (request.max_envelope_bytes() < 0) {
    return absl::InvalidArgumentError("max_envelope_bytes: want 0 or more");
  }
  absl::StatusOr<View> view = CurrentView(*tenant, deadline);
  if (!view.ok()) return view.status();

  const CatalogView* catalog = view->get();
  CatalogView extended;
  for (const InstalledManifest& installed : device->installed) {
    if (catalog->facts.contains(installed.manifest)) continue;
    auto facts = FactsOf(*tenant, installed.manifest, deadline);
    if (!facts.ok()) return facts.status();
    if (*facts == nullptr) continue;
    if (catalog != &extended) extended = **view;
    catalog = &extended;
    extended.facts[installed.manifest] = **facts;
  }
  const uint64_t max = request.max_envelope_bytes() == 0
                           ? kDefaultPlanBytes
                           : static_cast<uint64_t>(request.max_envelope_bytes());
  return PlanToProto(catalog::Resolve(*catalog, *device, max), catalog->snapshot.generation);
}

absl::StatusOr<CatalogSessionHandler::View> CatalogSessionHandler::CurrentView(
    const storage::TenantId& tenant, storage::CallDeadline deadline) {
  absl::StatusOr<uint64_t> generation = catalog_.Generation(tenant, deadline);
  if (!generation.ok()) return generation.status();
  {
    absl::MutexLock lock(&mutex_);
    const auto it = views_.find(tenant);
    if (it != views_.end() && it->second->snapshot.generation == *generation) return it->second;
  }
  absl::StatusOr<storage::CatalogSnapshot> snapshot = catalog_.Snapshot(tenant, deadline);
  if (!snapshot.ok()) return snapshot.status();
  auto view = std::make_shared<CatalogView>();
  view->snapshot = *std::move(snapshot);
  for (const storage::Manifest& manifest : view->snapshot.manifests) {
    const storage::ManifestRef ref{manifest.domain, manifest.digest};
    auto facts = FactsOf(tenant, ref, deadline);
    if (!facts.ok()) return facts.status();
    if (*facts != nullptr) view->facts[ref] = **facts;
  }
  absl::MutexLock lock(&mutex_);
  if (views_.size() >= kMaxViews && !views_.contains(tenant)) views_.clear();
  View& slot = views_[tenant];
  if (slot == nullptr || slot->snapshot.generation <= view->snapshot.generation) slot = view;
  return View(view);
}

absl::StatusOr<std::shared_ptr<const ManifestFacts>> CatalogSessionHandler::FactsOf(
    const storage::TenantId& tenant, const storage::ManifestRef& ref,
    storage::CallDeadline deadline) {
  const auto key = std::make_pair(tenant, ref);
  {
    absl::MutexLock lock(&mutex_);
    const auto it = facts_.find(key);
    if (it != facts_.end()) return it->second;
  }
  absl::StatusOr<storage::Bytes> envelope = manifests_.GetEnvelope(tenant, ref, deadline);
  if (absl::IsNotFound(envelope.status())) return std::shared_ptr<const ManifestFacts>();
  if (!envelope.ok()) return envelope.status();
  absl::StatusOr<ManifestFacts> facts = ReadFacts(*envelope);
  if (!facts.ok()) return facts.status();
  auto shared = std::make_shared<const ManifestFacts>(*std::move(facts));
  absl::MutexLock lock(&mutex_);
  if (facts_.size() >= kMaxFacts) facts_.clear();
  facts_[key] = shared;
  return shared;
}

absl::StatusOr<suit::Envelope> CatalogSessionHandler::DeliverableEnvelope(
    const storage::TenantId& tenant, const storage::ManifestDigest& digest,
    storage::CallDeadline deadline) {
  absl::StatusOr<storage::Manifest> manifest = manifests_.FindByDigest(tenant, digest, deadline);
  if (!manifest.ok()) return manifest.status();
  if (manifest->state == storage::ManifestState::kWithdrawn) {
    return absl::FailedPreconditionError(Concat(digest.ToString(), ": withdrawn"));
  }
  absl::StatusOr<storage::Domain> domain = domains_.Get(tenant, manifest->domain, deadline);
  if (!domain.ok()) return domain.status();
  if (!MayDeliver(*domain, *manifest)) {
    return absl::FailedPreconditionError(
        Concat(digest.ToString(), ": its domain is not active, or may no longer publish it"));
  }
  absl::StatusOr<storage::Bytes> bytes =
      manifests_.GetEnvelope(tenant, {manifest->domain, digest}, deadline);
  if (!bytes.ok()) return bytes.status();
  absl::StatusOr<suit::Envelope> envelope = suit::Envelope::Parse(*bytes);
  if (!envelope.ok() || envelope->computed_digest().bytes != cbor::AsView(digest.bytes())) {
    return absl::DataLossError(Concat(digest.ToString(), ": the stored envelope was altered"));
  }
  return envelope;
}

absl::StatusOr<v1::GetEnvelopesResponse> CatalogSessionHandler::GetEnvelopes(
    const runtime::CallContext& context, const v1::GetEnvelopesRequest& request) {
  auto tenant = IdOf<storage::TenantId>(request.tenant_uid(), "tenant_uid");
  if (!tenant.ok()) return tenant.status();
  if (request.digests().empty() || request.digests_size() > kMaxDigests) {
    return absl::InvalidArgumentError(
        Concat("digests: want 1 to ", kMaxDigests, ", found ", request.digests_size()));
  }
  const std::vector<HeldBinary> held = HeldFromProto(request);
  v1::GetEnvelopesResponse response;
  size_t bytes = 0;
  for (const std::string& wanted : request.digests()) {
    auto digest = IdOf<storage::ManifestDigest>(wanted, "digests");
    if (!digest.ok()) return digest.status();
    absl::StatusOr<suit::Envelope> envelope =
        DeliverableEnvelope(*tenant, *digest, {context.deadline});
    if (envelope.ok() && !held.empty()) envelope = WithoutHeld(*std::move(envelope), held);
    if (!envelope.ok()) return envelope.status();
    const std::string_view delivered = envelope->without_tag();
    bytes += delivered.size();
    if (bytes > kMaxEnvelopesBytes) {
      return absl::ResourceExhaustedError(
          Concat("digests: want at most ", kMaxEnvelopesBytes, " bytes of envelopes"));
    }
    response.add_envelopes(std::string(delivered));
  }
  return response;
}

}  // namespace tam::catalog

#include "storage/postgres/catalog_rows.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"

namespace tam::storage::postgres {
namespace {

// Stands for NULL inside an array of times.
constexpr int64_t kNoTime = std::numeric_limits<int64_t>::min();

std::optional<absl::Time> TimeOf(int64_t micros) {
  if (micros == kNoTime) return std::nullopt;
  return absl::FromUnixMicros(micros);
}

}  // namespace

const char kSelectDomain[] = R"sql(
SELECT d.tenant_id, d.domain_id, d.name, d.owners, d.prefixes, d.max_manifests, d.max_bytes, d.state,
  d.version, tam.micros(d.created_at), a.thumbprints, a.public_keys, a.descriptions, a.not_before,
  a.not_after
FROM catalog.domains d LEFT JOIN LATERAL (
  SELECT coalesce(array_agg(thumbprint ORDER BY position), '{}') AS thumbprints,
    coalesce(array_agg(public_key ORDER BY position), '{}') AS public_keys,
    coalesce(array_agg(description ORDER BY position), '{}') AS descriptions,
    coalesce(array_agg(coalesce(tam.micros(not_before), '-9223372036854775808'::bigint)
             ORDER BY position), '{}') AS not_before,
    coalesce(array_agg(coalesce(tam.micros(not_after), '-9223372036854775808'::bigint)
             ORDER BY position), '{}') AS not_after
  FROM catalog.anchors x WHERE x.tenant_id = d.tenant_id AND x.domain_id = d.domain_id) a ON true
)sql";

const char kSelectManifest[] =
    "SELECT m.tenant_id, m.domain_id, m.digest, m.component, m.sequence, m.components, m.signer, "
    "m.publisher, m.envelope_size, m.state, tam.micros(m.published_at) FROM catalog.manifests m ";

const char kSelectDeployment[] =
    "SELECT d.tenant_id, d.deployment_id, d.name, d.class_oem, d.class_model, d.label_keys, "
    "d.label_values, d.devices, d.domain_id, d.component, d.pinned, d.unattested_allowed, d.state, "
    "d.version, tam.micros(d.created_at) FROM catalog.deployments d ";

absl::Status BumpGeneration(Connection& connection, const std::string& schema,
                            const TenantId& tenant) {
  return connection
      .Execute(absl::StrCat("INSERT INTO ", schema,
                            ".generations AS g (tenant_id, generation) "
                            "VALUES ($1, 1) ON CONFLICT (tenant_id) "
                            "DO UPDATE SET generation = g.generation + 1"),
               Params::Of(tenant))
      .status();
}

Domain ReadDomain(RowReader& row) {
  Domain domain;
  domain.tenant = row.Fixed<TenantId>();
  domain.id = row.Fixed<DomainId>();
  domain.name = row.Text();
  domain.owners = row.TextArray();
  domain.prefixes = row.ComponentArray();
  domain.quota.max_manifests = row.Unsigned();
  domain.quota.max_bytes = row.Unsigned();
  domain.state = row.Enum<DomainState>();
  domain.version = row.Unsigned();
  domain.created = row.Time();
  const auto thumbprints = row.FixedArray<KeyThumbprint>();
  const auto public_keys = row.BinaryArray();
  const auto descriptions = row.TextArray();
  const auto not_before = row.IntArray();
  const auto not_after = row.IntArray();
  if (!row.status().ok()) return domain;
  for (size_t i = 0; i < thumbprints.size(); ++i) {
    domain.anchors.push_back({thumbprints[i], public_keys[i], descriptions[i],
                              TimeOf(not_before[i]), TimeOf(not_after[i])});
  }
  return domain;
}

Manifest ReadManifest(RowReader& row) {
  Manifest manifest;
  manifest.tenant = row.Fixed<TenantId>();
  manifest.domain = row.Fixed<DomainId>();
  manifest.digest = row.Fixed<ManifestDigest>();
  manifest.manifest_component = row.Component();
  manifest.sequence = row.Unsigned();
  manifest.components = row.ComponentArray();
  manifest.signer = row.Fixed<KeyThumbprint>();
  manifest.publisher = row.Text();
  manifest.envelope_size = row.Unsigned();
  manifest.state = row.Enum<ManifestState>();
  manifest.published = row.Time();
  return manifest;
}

Deployment ReadDeployment(RowReader& row) {
  Deployment deployment;
  deployment.tenant = row.Fixed<TenantId>();
  deployment.id = row.Fixed<DeploymentId>();
  deployment.name = row.Text();
  const std::optional<Bytes> oem = row.Optional(&RowReader::Binary);
  const std::optional<Bytes> model = row.Optional(&RowReader::Binary);
  if (oem.has_value() && model.has_value()) {
    deployment.selector.device_class = DeviceClass{*oem, *model};
  }
  const std::vector<std::string> keys = row.TextArray();
  const std::vector<std::string> values = row.TextArray();
  for (size_t i = 0; i < std::min(keys.size(), values.size()); ++i) {
    deployment.selector.labels[keys[i]] = values[i];
  }
  deployment.selector.devices = row.FixedArray<DeviceId>();
  deployment.domain = row.Fixed<DomainId>();
  deployment.manifest_component = row.Component();
  deployment.pinned = row.Optional(&RowReader::Fixed<ManifestDigest>);
  deployment.unattested_allowed = row.Bool();
  deployment.state = row.Enum<DeploymentState>();
  deployment.version = row.Unsigned();
  deployment.created = row.Time();
  return deployment;
}

}  // namespace tam::storage::postgres

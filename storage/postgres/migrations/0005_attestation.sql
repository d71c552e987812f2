-- What evidence is judged by.
CREATE TABLE attestation.generations (
  tenant_id uuid PRIMARY KEY,
  generation bigint NOT NULL
);
CREATE TABLE attestation.keys (
  tenant_id uuid NOT NULL,
  thumbprint bytea NOT NULL,
  public_key bytea NOT NULL,
  device_id uuid,
  class_oem bytea,
  class_model bytea,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, thumbprint),
  CHECK ((device_id IS NULL) <> (class_oem IS NULL)),
  CHECK ((class_oem IS NULL) = (class_model IS NULL))
);
CREATE INDEX ON attestation.keys (tenant_id, device_id);
CREATE INDEX ON attestation.keys (tenant_id, class_oem, class_model) WHERE class_oem IS NOT NULL;
CREATE TABLE attestation.reference_values (
  tenant_id uuid NOT NULL,
  name text COLLATE "C" NOT NULL,
  class_oem bytea NOT NULL,
  class_model bytea NOT NULL,
  measurement text NOT NULL,
  digests bytea[] NOT NULL,
  version bigint NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, name),
  UNIQUE (tenant_id, class_oem, class_model, measurement)
);
CREATE TABLE attestation.policies (
  tenant_id uuid PRIMARY KEY,
  result_profiles text[] NOT NULL,
  evidence_profiles text[] NOT NULL,
  verifier_keys bytea[] NOT NULL,
  result_lifetime_s bigint NOT NULL,
  version bigint NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA attestation TO tam_attestation;

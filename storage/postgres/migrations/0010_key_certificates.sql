-- Certificate chains of the keys that sign for a tenant, for devices that trust an authority rather
-- than a key. DER, the leaf first. As with the keys themselves, no row is ever deleted: one that is
-- removed keeps its position, which is not given again.
CREATE TABLE signing.key_certificates (
  thumbprint bytea NOT NULL REFERENCES signing.keys (thumbprint),
  position int NOT NULL,
  tenant_id uuid NOT NULL,
  chain bytea[] NOT NULL,
  not_before timestamptz NOT NULL,
  not_after timestamptz NOT NULL,
  created_at timestamptz NOT NULL,
  removed_at timestamptz,
  PRIMARY KEY (thumbprint, position)
);
CREATE INDEX ON signing.key_certificates (tenant_id) WHERE removed_at IS NULL;
GRANT SELECT, INSERT, UPDATE ON signing.key_certificates TO tam_signing;

-- The audit record. Writers may INSERT and nothing else; the audit service may read.
CREATE TABLE audit.entries (
  tenant_id uuid NOT NULL,
  device_id uuid NOT NULL,
  id uuid NOT NULL,
  shard smallint NOT NULL,
  at timestamptz NOT NULL,
  kind text NOT NULL,
  entry bytea NOT NULL,
  PRIMARY KEY (tenant_id, at, id)
) PARTITION BY RANGE (at);
CREATE INDEX ON audit.entries (tenant_id, device_id, at, id);
CREATE TABLE audit.entries_default PARTITION OF audit.entries DEFAULT;
INSERT INTO tam.partitioned VALUES ('audit.entries', 'at', NULL);

-- What a sequencer has not put into a log yet. Its order is the sequencer's, never time's.
CREATE TABLE audit.pending (
  shard smallint NOT NULL,
  id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (shard, id)
);

-- Names of people, kept apart so that erasing them leaves the record whole.
CREATE TABLE audit.pseudonyms (
  tenant_id uuid NOT NULL,
  subject text NOT NULL,
  pseudonym uuid NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, subject)
);
CREATE INDEX ON audit.pseudonyms (tenant_id, pseudonym);

GRANT INSERT ON audit.entries, audit.pending TO tam_registry, tam_attestation, tam_catalog,
  tam_signing, tam_audit;
GRANT SELECT ON audit.entries, audit.pending TO tam_audit;
GRANT SELECT, INSERT ON audit.pseudonyms TO tam_registry, tam_attestation, tam_catalog, tam_signing,
  tam_audit;

-- Signing keys, private parts wrapped under a key that no database holds. Nobody but the signing
-- role reads these.
CREATE TABLE signing.keys (
  thumbprint bytea PRIMARY KEY,
  tenant_id uuid NOT NULL,
  purpose smallint NOT NULL,
  algorithm int NOT NULL,
  wrapped_private_key bytea NOT NULL,
  public_key bytea NOT NULL,
  state smallint NOT NULL,
  not_before timestamptz,
  not_after timestamptz,
  created_at timestamptz NOT NULL,
  retired_at timestamptz
);
CREATE INDEX ON signing.keys (tenant_id);
CREATE UNIQUE INDEX ON signing.keys (tenant_id, purpose, algorithm) WHERE state = 0;
-- One row: every replica derives challenge keys from the same root.
CREATE TABLE signing.challenge_roots (
  position smallint PRIMARY KEY CHECK (position = 0),
  root_id uuid NOT NULL,
  wrapped_secret bytea NOT NULL,
  created_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON signing.keys TO tam_signing;
GRANT SELECT, INSERT ON signing.challenge_roots TO tam_signing;

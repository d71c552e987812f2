-- Tenants, endpoints, devices and sessions. Enumerations are numbered as in storage/model.
CREATE TABLE registry.tenants (
  tenant_id uuid PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE,
  display_name text NOT NULL,
  state smallint NOT NULL,
  version bigint NOT NULL,
  created_at timestamptz NOT NULL
);

CREATE TABLE registry.endpoints (
  endpoint_id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES registry.tenants,
  name text COLLATE "C" NOT NULL,
  path text NOT NULL UNIQUE,
  generation bigint NOT NULL,
  created_at timestamptz NOT NULL,
  UNIQUE (tenant_id, name)
);
-- The current generation and the one before.
CREATE TABLE registry.endpoint_configs (
  endpoint_id uuid NOT NULL REFERENCES registry.endpoints ON DELETE CASCADE,
  generation bigint NOT NULL,
  wire_profile smallint NOT NULL,
  attestation_required boolean NOT NULL,
  data_items bigint NOT NULL,
  challenge_lifetime_s bigint NOT NULL,
  update_lifetime_s bigint NOT NULL,
  max_message_bytes bigint NOT NULL,
  PRIMARY KEY (endpoint_id, generation)
);

-- Hot tables have no foreign keys and are keyed (tenant_id, device_id, ...): a distributed database
-- would distribute them by device.
CREATE TABLE registry.devices (
  tenant_id uuid NOT NULL,
  device_id uuid NOT NULL,
  name text COLLATE "C" NOT NULL,
  class_oem bytea NOT NULL,
  class_model bytea NOT NULL,
  label_keys text[] NOT NULL,
  label_values text[] NOT NULL,
  ueid bytea NOT NULL,
  version bigint NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, device_id),
  UNIQUE (tenant_id, name)
);
CREATE TABLE registry.device_keys (
  tenant_id uuid NOT NULL,
  device_id uuid NOT NULL,
  thumbprint bytea NOT NULL,
  public_key bytea NOT NULL,
  state smallint NOT NULL,
  endpoints uuid[] NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, device_id, thumbprint)
);
-- Who has a thumbprint. A banned one stays when its device goes.
CREATE TABLE registry.key_claims (
  tenant_id uuid NOT NULL,
  thumbprint bytea NOT NULL,
  device_id uuid NOT NULL,
  banned boolean NOT NULL DEFAULT false,
  PRIMARY KEY (tenant_id, thumbprint)
);
CREATE TABLE registry.ueid_claims (
  tenant_id uuid NOT NULL,
  ueid bytea NOT NULL,
  device_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, ueid)
);

-- Everything that the guarded write tests, and nothing else: a statement that waited for this row
-- sees the newest version of it, but old snapshots of all others. The lane is '' for a device's
-- active keys, or the thumbprint of a pending key. A slot is an open update: its deadline (int8send
-- of microseconds) and then its token.
CREATE TABLE registry.device_guard (
  tenant_id uuid NOT NULL,
  device_id uuid NOT NULL,
  lane bytea NOT NULL,
  keys bytea[] NOT NULL,
  issued_ms bigint NOT NULL DEFAULT -1,
  random bytea,
  message bytea,
  token bytea,
  slots bytea[] NOT NULL DEFAULT '{}',
  PRIMARY KEY (tenant_id, device_id, lane)
) WITH (fillfactor = 70);

-- The newest `room` slots whose deadline lies ahead, oldest first.
CREATE FUNCTION registry.live_slots(slots bytea[], now timestamptz, room int) RETURNS bytea[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(array_agg(kept.s ORDER BY kept.n), '{}') FROM (
    SELECT u.s, u.n FROM unnest(slots) WITH ORDINALITY AS u (s, n)
    WHERE substr(u.s, 1, 8) > int8send(tam.micros(now)) ORDER BY u.n DESC LIMIT room) AS kept
$$;
CREATE FUNCTION registry.without_slot(slots bytea[], token bytea) RETURNS bytea[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(array_agg(u.s ORDER BY u.n), '{}')
  FROM unnest(slots) WITH ORDINALITY AS u (s, n) WHERE substr(u.s, 9) <> token
$$;
CREATE FUNCTION registry.slot_tokens(slots bytea[]) RETURNS bytea[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT coalesce(array_agg(substr(s, 9)), '{}') FROM unnest(slots) AS s $$;

-- What the device said last, and how it was judged.
CREATE TABLE registry.device_state (
  tenant_id uuid NOT NULL,
  device_id uuid NOT NULL,
  last_contact timestamptz NOT NULL,
  back_off_until timestamptz,
  reported bytea NOT NULL DEFAULT '',
  verdict smallint,
  reason_claims text[],
  reason_expected text[],
  reason_found text[],
  result bytea,
  payload_format text,
  claims_summary text,
  attested_at timestamptz,
  PRIMARY KEY (tenant_id, device_id)
) WITH (fillfactor = 70);

-- What verified reports left on a device. Neither digest nor failed_digest: unlinked.
CREATE TABLE registry.device_manifests (
  tenant_id uuid NOT NULL,
  device_id uuid NOT NULL,
  component bytea NOT NULL,
  domain_id uuid NOT NULL,
  digest bytea,
  sequence bigint,
  failed_digest bytea,
  failed_sequence bigint,
  failed_reason text,
  changed_at timestamptz NOT NULL,
  -- When the update was opened whose report wrote this: an older one's does not overwrite it.
  opened_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, device_id, component)
);

-- Updates without an answer. Whether one is open, superseded or expired follows from its deadline
-- and the guard's slots.
CREATE TABLE registry.updates (
  tenant_id uuid NOT NULL,
  device_id uuid NOT NULL,
  token bytea NOT NULL,
  lane bytea NOT NULL,
  endpoint_id uuid NOT NULL,
  thumbprint bytea NOT NULL,
  domains uuid[] NOT NULL,
  digests bytea[] NOT NULL,
  components bytea[] NOT NULL,
  sequences bigint[] NOT NULL,
  unlinks bytea[] NOT NULL,
  err_code bigint,
  err_msg text NOT NULL,
  catalog_generation bigint NOT NULL,
  opened_at timestamptz NOT NULL,
  deadline timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, device_id, token)
);
CREATE TABLE registry.updates_history (
  LIKE registry.updates,
  state smallint NOT NULL,
  closed_at timestamptz NOT NULL,
  report_err_code bigint,
  report_err_msg text NOT NULL,
  PRIMARY KEY (tenant_id, device_id, token, closed_at)
) PARTITION BY RANGE (closed_at);
CREATE TABLE registry.updates_history_default PARTITION OF registry.updates_history DEFAULT;
INSERT INTO tam.partitioned VALUES ('registry.updates_history', 'closed_at', 13);

CREATE TABLE registry.attestations (
  tenant_id uuid NOT NULL,
  device_id uuid NOT NULL,
  at timestamptz NOT NULL,
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  thumbprint bytea NOT NULL,
  verdict smallint NOT NULL,
  reason_claims text[] NOT NULL,
  reason_expected text[] NOT NULL,
  reason_found text[] NOT NULL,
  result bytea NOT NULL,
  payload_format text NOT NULL,
  claims_summary text NOT NULL,
  PRIMARY KEY (tenant_id, device_id, at, id)
) PARTITION BY RANGE (at);
CREATE TABLE registry.attestations_default PARTITION OF registry.attestations DEFAULT;
INSERT INTO tam.partitioned VALUES ('registry.attestations', 'at', 13);

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA registry TO tam_registry;
GRANT SELECT (tenant_id, name, display_name, state, version, created_at) ON registry.tenants
  TO tam_attestation, tam_catalog, tam_signing, tam_audit;

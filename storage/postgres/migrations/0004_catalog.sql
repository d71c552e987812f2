-- Security domains, manifests, deployments and blobs.

-- Every write of a tenant's catalogue begins by adding one here, and so waits for the one before.
CREATE TABLE catalog.generations (
  tenant_id uuid PRIMARY KEY,
  generation bigint NOT NULL
);

CREATE TABLE catalog.domains (
  tenant_id uuid NOT NULL,
  domain_id uuid NOT NULL,
  name text COLLATE "C" NOT NULL,
  owners text[] NOT NULL,
  prefixes bytea[] NOT NULL,
  max_manifests bigint NOT NULL,
  max_bytes bigint NOT NULL,
  state smallint NOT NULL,
  version bigint NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, domain_id),
  UNIQUE (tenant_id, name)
);
CREATE TABLE catalog.anchors (
  tenant_id uuid NOT NULL,
  domain_id uuid NOT NULL,
  position int NOT NULL,
  thumbprint bytea NOT NULL,
  public_key bytea NOT NULL,
  description text NOT NULL,
  not_before timestamptz,
  not_after timestamptz,
  PRIMARY KEY (tenant_id, domain_id, position),
  FOREIGN KEY (tenant_id, domain_id) REFERENCES catalog.domains ON DELETE CASCADE
);

-- A blob is readable once its row here says how many bytes it has; chunks come before.
CREATE TABLE catalog.blobs (
  tenant_id uuid NOT NULL,
  blob_id uuid NOT NULL,
  size bigint NOT NULL,
  PRIMARY KEY (tenant_id, blob_id)
);
CREATE TABLE catalog.blob_chunks (
  tenant_id uuid NOT NULL,
  blob_id uuid NOT NULL,
  n int NOT NULL,
  bytes bytea NOT NULL,
  PRIMARY KEY (tenant_id, blob_id, n)
);
ALTER TABLE catalog.blob_chunks ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE TABLE catalog.manifests (
  tenant_id uuid NOT NULL,
  domain_id uuid NOT NULL,
  digest bytea NOT NULL,
  component bytea NOT NULL,
  sequence bigint NOT NULL,
  components bytea[] NOT NULL,
  signer bytea NOT NULL,
  publisher text NOT NULL,
  blob_id uuid NOT NULL,
  envelope_size bigint NOT NULL,
  state smallint NOT NULL,
  published_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, domain_id, digest),
  UNIQUE (tenant_id, domain_id, component, sequence)
);
CREATE INDEX ON catalog.manifests (tenant_id, digest);

CREATE TABLE catalog.deployments (
  tenant_id uuid NOT NULL,
  deployment_id uuid NOT NULL,
  name text COLLATE "C" NOT NULL,
  class_oem bytea,
  class_model bytea,
  label_keys text[] NOT NULL,
  label_values text[] NOT NULL,
  devices uuid[] NOT NULL,
  domain_id uuid NOT NULL,
  component bytea NOT NULL,
  pinned bytea,
  unattested_allowed boolean NOT NULL,
  state smallint NOT NULL,
  version bigint NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, deployment_id),
  UNIQUE (tenant_id, name)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA catalog TO tam_catalog;
GRANT SELECT ON catalog.generations TO tam_registry;

-- All that the registry may learn before it deletes a tenant.
CREATE FUNCTION catalog.has_domains(tenant uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS
$$ SELECT EXISTS (SELECT FROM catalog.domains WHERE tenant_id = tenant AND state <> 2) $$;
REVOKE EXECUTE ON FUNCTION catalog.has_domains(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION catalog.has_domains(uuid) TO tam_registry;

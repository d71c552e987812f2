-- Certificates and endpoint paths are bound to a tenant's name, so a name that was ever a tenant's is
-- never given again: old certificates must not open a new tenant. No role but the owner may touch
-- this table; a trigger enters the name, whichever server creates the tenant.
CREATE TABLE registry.tenant_names (
  name text COLLATE "C" PRIMARY KEY,
  tenant_id uuid NOT NULL
);
INSERT INTO registry.tenant_names (name, tenant_id) SELECT name, tenant_id FROM registry.tenants;

CREATE FUNCTION registry.keep_tenant_name() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO registry.tenant_names (name, tenant_id) VALUES (NEW.name, NEW.tenant_id);
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION registry.keep_tenant_name() FROM PUBLIC;
CREATE TRIGGER keep_tenant_name AFTER INSERT OR UPDATE OF name ON registry.tenants
FOR EACH ROW EXECUTE FUNCTION registry.keep_tenant_name();

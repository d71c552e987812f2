-- A device that is deleted gives its attestation keys back in the same transaction, so that it can
-- be enrolled again. All that the registry may do to what evidence is judged by.
CREATE FUNCTION attestation.release_device(tenant uuid, device uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  -- The generation first, as every writer of the schema does.
  INSERT INTO attestation.generations AS g (tenant_id, generation) VALUES (tenant, 1)
  ON CONFLICT (tenant_id) DO UPDATE SET generation = g.generation + 1;
  DELETE FROM attestation.keys WHERE tenant_id = tenant AND device_id = device;
END $$;
REVOKE EXECUTE ON FUNCTION attestation.release_device(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attestation.release_device(uuid, uuid) TO tam_registry;
-- To name the function; no table of the schema is granted.
GRANT USAGE ON SCHEMA attestation TO tam_registry;

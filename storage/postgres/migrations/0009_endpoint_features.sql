-- What endpoints of the legacy profile allow; a set of bits, numbered in storage/postgres/tenants.cc.
ALTER TABLE registry.endpoint_configs ADD COLUMN features bigint NOT NULL DEFAULT 0;
-- For the few keys of an endpoint whose devices name none in their messages.
CREATE INDEX device_keys_by_endpoint ON registry.device_keys USING gin (endpoints);

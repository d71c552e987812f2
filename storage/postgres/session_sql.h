// The two guarded writes of a session. Audit fragments and a SELECT follow.

#ifndef TAMARACK_STORAGE_POSTGRES_SESSION_SQL_H_
#define TAMARACK_STORAGE_POSTGRES_SESSION_SQL_H_

namespace tam::storage::postgres {

// $1 tenant, $2 device, $3 lane, $4 key, $5 issued, $6 random, $7 message, $8 token, $9 lifetime,
// $10 endpoint, $11..$14 manifests, $15 unlinks, $16 err-code, $17 err-msg, $18 generation,
// $19 pending, $20 reported, $21 verdict, $22..$24 reasons, $25 result, $26 format, $27 summary,
// $28 back-off.
inline constexpr char kAccept[] = R"sql(
WITH guard AS (
  UPDATE registry.device_guard SET issued_ms = $5::bigint, random = $6, message = $7,
    token = $8::bytea,
    slots = CASE WHEN $8::bytea IS NULL THEN slots ELSE
      array_append(registry.live_slots(slots, tam.now(), 3),
                   int8send(tam.micros(tam.now()) + $9::bigint) || $8::bytea) END
  WHERE tenant_id = $1::uuid AND device_id = $2::uuid AND lane = $3::bytea
    AND $4::bytea = ANY (keys) AND issued_ms < $5::bigint
    AND $5::bigint <= tam.micros(tam.now()) / 1000 + 1000
  RETURNING tam.now() AS at, slots),
opened AS (
  INSERT INTO registry.updates (tenant_id, device_id, token, lane, endpoint_id, thumbprint, domains,
    digests, components, sequences, unlinks, err_code, err_msg, catalog_generation, opened_at,
    deadline)
  SELECT $1::uuid, $2::uuid, $8::bytea, $3::bytea, $10::uuid, $4::bytea, $11::uuid[], $12::bytea[],
    $13::bytea[], $14::bigint[], $15::bytea[], $16::bigint, $17::text, $18::bigint, at,
    tam.at(tam.micros(at) + $9::bigint)
  FROM guard WHERE $8::bytea IS NOT NULL),
purged AS (  -- kMaxKeptUpdates with the one that is opened, which this does not see
  DELETE FROM registry.updates u USING guard
  WHERE $8::bytea IS NOT NULL AND u.tenant_id = $1::uuid AND u.device_id = $2::uuid
    AND u.token <> ALL (registry.slot_tokens(guard.slots)) AND u.token IN (
      SELECT token FROM registry.updates
      WHERE tenant_id = $1::uuid AND device_id = $2::uuid AND lane = $3::bytea
      ORDER BY opened_at DESC, token OFFSET 63)),
attested AS (
  INSERT INTO registry.attestations (tenant_id, device_id, at, thumbprint, verdict, reason_claims,
    reason_expected, reason_found, result, payload_format, claims_summary)
  SELECT $1::uuid, $2::uuid, at, $4::bytea, $21::smallint, $22::text[], $23::text[], $24::text[],
    $25::bytea, $26::text, $27::text
  FROM guard WHERE $21::smallint IS NOT NULL),
state AS (
  INSERT INTO registry.device_state AS s (tenant_id, device_id, last_contact, reported, verdict,
    reason_claims, reason_expected, reason_found, result, payload_format, claims_summary,
    attested_at, back_off_until)
  SELECT $1::uuid, $2::uuid, at, $20::bytea, $21::smallint, $22::text[], $23::text[], $24::text[],
    $25::bytea, $26::text, $27::text, CASE WHEN $21::smallint IS NOT NULL THEN at END,
    CASE WHEN $28::bigint > 0 THEN tam.at(tam.micros(at) + $28::bigint) END
  FROM guard WHERE NOT $19::boolean
  ON CONFLICT (tenant_id, device_id) DO UPDATE SET last_contact = EXCLUDED.last_contact,
    reported = CASE WHEN EXCLUDED.reported = '' THEN s.reported ELSE EXCLUDED.reported END,
    back_off_until = coalesce(EXCLUDED.back_off_until, s.back_off_until),
    (verdict, reason_claims, reason_expected, reason_found, result, payload_format, claims_summary,
     attested_at) = (SELECT
      coalesce(EXCLUDED.verdict, s.verdict), coalesce(EXCLUDED.reason_claims, s.reason_claims),
      coalesce(EXCLUDED.reason_expected, s.reason_expected),
      coalesce(EXCLUDED.reason_found, s.reason_found), coalesce(EXCLUDED.result, s.result),
      coalesce(EXCLUDED.payload_format, s.payload_format),
      coalesce(EXCLUDED.claims_summary, s.claims_summary),
      coalesce(EXCLUDED.attested_at, s.attested_at))))sql";

// $1 tenant, $2 device, $3 lane, $4 key, $5 token, $6 endpoint, $7 state, $8 err-code, $9 err-msg,
// $10 success, $11 digests, $12 installed, $13 reasons, $14 back-off, $15 pending.
inline constexpr char kReport[] = R"sql(
WITH guard AS (
  UPDATE registry.device_guard SET slots = registry.without_slot(slots, $5::bytea)
  WHERE tenant_id = $1::uuid AND device_id = $2::uuid AND lane = $3::bytea AND $4::bytea = ANY (keys)
    AND EXISTS (SELECT FROM registry.updates WHERE tenant_id = $1::uuid AND device_id = $2::uuid
                AND token = $5::bytea AND endpoint_id = $6::uuid AND lane = $3::bytea)
  RETURNING tam.now() AS at),
closed AS (
  DELETE FROM registry.updates u USING guard
  WHERE u.tenant_id = $1::uuid AND u.device_id = $2::uuid AND u.token = $5::bytea
  RETURNING u.*, guard.at),
history AS (
  INSERT INTO registry.updates_history (tenant_id, device_id, token, lane, endpoint_id, thumbprint,
    domains, digests, components, sequences, unlinks, err_code, err_msg, catalog_generation,
    opened_at, deadline, closed_at, state, report_err_code, report_err_msg)
  SELECT c.*, $7::smallint, $8::bigint, $9::text FROM closed c),
results AS (
  SELECT DISTINCT ON (component) * FROM (
    SELECT m.component, m.n, m.domain_id, c.at, c.opened_at,
      CASE WHEN r.ok THEN m.digest END AS digest, CASE WHEN r.ok THEN m.sequence END AS sequence,
      CASE WHEN NOT r.ok THEN m.digest END AS failed_digest,
      CASE WHEN NOT r.ok THEN m.sequence END AS failed_sequence,
      CASE WHEN NOT r.ok THEN r.reason END AS failed_reason
    FROM closed c,
      unnest(c.domains, c.digests, c.components, c.sequences) WITH ORDINALITY
        AS m (domain_id, digest, component, sequence, n),
      LATERAL (SELECT coalesce(bool_and(p.installed), $10::boolean) AS ok,
                      coalesce(min(p.reason), $9::text) AS reason
               FROM unnest($11::bytea[], $12::boolean[], $13::text[])
                 AS p (digest, installed, reason) WHERE p.digest = m.digest) r
    UNION ALL
    SELECT x, 0, '00000000-0000-0000-0000-000000000000', c.at, c.opened_at, NULL, NULL, NULL, NULL,
      NULL
    FROM closed c, unnest(c.unlinks) AS x WHERE $10::boolean AND (
      EXISTS (SELECT FROM registry.device_manifests m WHERE m.tenant_id = $1::uuid
              AND m.device_id = $2::uuid AND m.component = x)
      OR EXISTS (SELECT FROM registry.updates o WHERE o.tenant_id = $1::uuid
                 AND o.device_id = $2::uuid AND x = ANY (o.components)))) AS every
  WHERE NOT $15::boolean ORDER BY component, n DESC),
moved AS (
  INSERT INTO registry.device_manifests AS d (tenant_id, device_id, component, domain_id, digest,
    sequence, failed_digest, failed_sequence, failed_reason, changed_at, opened_at)
  SELECT $1::uuid, $2::uuid, component, domain_id, digest, sequence, failed_digest, failed_sequence,
    failed_reason, at, opened_at FROM results
  ON CONFLICT (tenant_id, device_id, component) DO UPDATE SET
    domain_id = CASE WHEN EXCLUDED.digest IS NULL AND EXCLUDED.failed_digest IS NULL
      THEN d.domain_id ELSE EXCLUDED.domain_id END,
    digest = CASE WHEN EXCLUDED.failed_digest IS NULL THEN EXCLUDED.digest ELSE d.digest END,
    sequence = CASE WHEN EXCLUDED.failed_digest IS NULL THEN EXCLUDED.sequence ELSE d.sequence END,
    failed_digest = EXCLUDED.failed_digest, failed_sequence = EXCLUDED.failed_sequence,
    failed_reason = EXCLUDED.failed_reason, changed_at = EXCLUDED.changed_at,
    opened_at = EXCLUDED.opened_at
  WHERE d.opened_at <= EXCLUDED.opened_at),
state AS (
  INSERT INTO registry.device_state AS s (tenant_id, device_id, last_contact, back_off_until)
  SELECT $1::uuid, $2::uuid, at,
    CASE WHEN $14::bigint > 0 THEN tam.at(tam.micros(at) + $14::bigint) END
  FROM closed WHERE NOT $15::boolean
  ON CONFLICT (tenant_id, device_id) DO UPDATE SET last_contact = EXCLUDED.last_contact,
    back_off_until = CASE WHEN $10::boolean THEN NULL
      ELSE coalesce(EXCLUDED.back_off_until, s.back_off_until) END))sql";

}  // namespace tam::storage::postgres

#endif  // TAMARACK_STORAGE_POSTGRES_SESSION_SQL_H_

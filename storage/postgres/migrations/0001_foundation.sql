-- Roles, schemas, the clock, and monthly partitions.

-- Roles belong to the cluster, not to this database. They have no password: how they log in is
-- pg_hba.conf's matter. Time-outs stand on the role, because sessions behind PgBouncer cannot SET.
DO $$
DECLARE
  role_name text;
BEGIN
  FOREACH role_name IN ARRAY ARRAY['tam_registry', 'tam_attestation', 'tam_catalog', 'tam_signing',
                                   'tam_audit'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
      EXECUTE format('CREATE ROLE %I LOGIN', role_name);
      EXECUTE format('ALTER ROLE %I SET default_transaction_isolation = ''read committed''', role_name);
      EXECUTE format('ALTER ROLE %I SET statement_timeout = ''15s''', role_name);
      EXECUTE format('ALTER ROLE %I SET idle_in_transaction_session_timeout = ''15s''', role_name);
    END IF;
  END LOOP;
END $$;

CREATE SCHEMA registry;
CREATE SCHEMA attestation;
CREATE SCHEMA catalog;
CREATE SCHEMA signing;
CREATE SCHEMA audit;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA tam TO tam_registry, tam_attestation, tam_catalog, tam_signing, tam_audit;
GRANT SELECT ON tam.migrations TO tam_registry, tam_attestation, tam_catalog, tam_signing, tam_audit;
GRANT USAGE ON SCHEMA registry TO tam_registry, tam_attestation, tam_catalog, tam_signing, tam_audit;
GRANT USAGE ON SCHEMA attestation TO tam_attestation;
GRANT USAGE ON SCHEMA catalog TO tam_catalog, tam_registry;
GRANT USAGE ON SCHEMA signing TO tam_signing;
GRANT USAGE ON SCHEMA audit TO tam_registry, tam_attestation, tam_catalog, tam_signing, tam_audit;

-- The clock of every decision. One value a statement. Tests replace it.
CREATE FUNCTION tam.now() RETURNS timestamptz LANGUAGE sql STABLE AS
$$ SELECT statement_timestamp() $$;

-- Times travel as microseconds since the Unix epoch.
CREATE FUNCTION tam.micros(at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT (extract(epoch FROM at) * 1000000)::bigint $$;
CREATE FUNCTION tam.at(micros bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT 'epoch'::timestamptz + micros * interval '1 microsecond' $$;

-- Tables partitioned by month of one column; each has a default partition NAME_default.
CREATE TABLE tam.partitioned (
  parent regclass PRIMARY KEY,
  time_column name NOT NULL,
  -- Full months kept behind the current one. NULL: all.
  months_kept int
);

CREATE FUNCTION tam.partition_name(parent regclass, month timestamptz) RETURNS text
LANGUAGE sql STABLE AS
$$ SELECT format('%I.%I', n.nspname, c.relname || to_char(month AT TIME ZONE 'UTC', '_YYYYMM'))
   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = parent $$;

-- The first moment of the month, UTC.
CREATE FUNCTION tam.month_of(at timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS
$$ SELECT date_trunc('month', at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' $$;
CREATE FUNCTION tam.add_months(month timestamptz, n int) RETURNS timestamptz LANGUAGE sql STABLE AS
$$ SELECT (month AT TIME ZONE 'UTC' + make_interval(months => n)) AT TIME ZONE 'UTC' $$;

-- Creates one month's partition where it is missing, and moves what the default one holds of it.
CREATE FUNCTION tam.create_partition(parent regclass, time_column name, month timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  part text := tam.partition_name(parent, month);
  rest text := (SELECT format('%I.%I', n.nspname, c.relname || '_default')
                FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = parent);
  upper_bound timestamptz := tam.add_months(month, 1);
BEGIN
  IF to_regclass(part) IS NOT NULL THEN
    RETURN;
  END IF;
  EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', parent);
  EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)',
                 part, parent);
  EXECUTE format('WITH moved AS (DELETE FROM %s WHERE %I >= %L AND %I < %L RETURNING *) '
                 'INSERT INTO %s SELECT * FROM moved',
                 rest, time_column, month, time_column, upper_bound, part);
  EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)',
                 parent, part, month, upper_bound);
END $$;

-- Creates partitions for this month and `months_ahead` more, and drops those that are older than is
-- kept. Returns the full months after this one that every table has a partition for.
CREATE FUNCTION tam.maintain_partitions(months_ahead int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  t record;
  old record;
  this_month timestamptz := tam.month_of(tam.now());
BEGIN
  FOR t IN SELECT * FROM tam.partitioned LOOP
    FOR n IN 0..months_ahead LOOP
      PERFORM tam.create_partition(t.parent, t.time_column, tam.add_months(this_month, n));
    END LOOP;
    CONTINUE WHEN t.months_kept IS NULL;
    FOR old IN
      SELECT i.inhrelid::regclass AS part FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE i.inhparent = t.parent AND right(c.relname, 7) ~ '^_[0-9]{6}$'
        AND right(c.relname, 6) <
            to_char(tam.add_months(this_month, -t.months_kept) AT TIME ZONE 'UTC', 'YYYYMM')
    LOOP
      EXECUTE format('DROP TABLE %s', old.part);
    END LOOP;
  END LOOP;
  RETURN tam.partition_months_left();
END $$;

-- The full months after this one that every table has a partition for: a metric of every server.
CREATE FUNCTION tam.partition_months_left() RETURNS int LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog AS $$
DECLARE
  left_over int := 0;
BEGIN
  WHILE NOT EXISTS (
    SELECT FROM tam.partitioned
    WHERE to_regclass(tam.partition_name(parent, tam.add_months(tam.month_of(tam.now()),
                                                                left_over + 1))) IS NULL)
    AND left_over < 1200 LOOP
    left_over := left_over + 1;
  END LOOP;
  RETURN left_over;
END $$;

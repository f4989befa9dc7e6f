"""The SQL that creates syncd's roles. syncd prints it for a database administrator and never runs it."""

ROLES_SQL = """\
-- The roles of syncd. Run it as a superuser or as the owner of the database; running it again changes nothing.
-- Afterwards: ALTER ROLE syncd_writer LOGIN;  If the role logs in with a password, set it by \\password syncd_writer in psql.
BEGIN;
-- You run this with more rights than others have. It calls Postgres' own functions, whatever others have created.
SET LOCAL search_path = pg_catalog, pg_temp;
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['syncd_owner', 'syncd_writer', 'syncd_reader', 'syncd_eraser'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', name);
    END IF;
  END LOOP;
  -- syncd_owner runs the migrations (`SET ROLE syncd_owner`, or a login that is a member of it).
  EXECUTE format('GRANT CREATE ON DATABASE %I TO syncd_owner', current_database());
  -- syncd_writer is the daemon: it reads and writes rows and can change no table. A list of jobs passes through a
  -- temporary one.
  EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO syncd_writer', current_database());
  IF to_regnamespace('ats') IS NOT NULL THEN
    GRANT USAGE ON SCHEMA ats, ops TO syncd_writer;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ats, ops TO syncd_writer;
    REVOKE INSERT, UPDATE, DELETE ON ops.alembic_version FROM syncd_writer;
  END IF;
  IF to_regclass('ops.secret') IS NOT NULL THEN
    REVOKE INSERT, UPDATE, DELETE ON ops.secret FROM syncd_writer;
  END IF;
  -- What was accepted stays on the list.
  IF to_regclass('ops.acceptance') IS NOT NULL THEN
    REVOKE DELETE ON ops.store_mark FROM syncd_writer;
    REVOKE UPDATE, DELETE ON ops.acceptance FROM syncd_writer;
  END IF;
  IF to_regnamespace('report_data') IS NOT NULL THEN
    GRANT USAGE ON SCHEMA report_data TO syncd_writer;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA report_data TO syncd_writer;
  END IF;
  -- syncd_reader sees the reports only, also those of later versions. It makes no tables and no functions, not even
  -- temporary ones.
  EXECUTE format('REVOKE TEMPORARY, CREATE ON DATABASE %I FROM PUBLIC', current_database());
  IF to_regnamespace('report') IS NOT NULL THEN
    GRANT USAGE ON SCHEMA report TO syncd_reader, syncd_writer;
    GRANT SELECT ON ALL TABLES IN SCHEMA report TO syncd_reader, syncd_writer;
    BEGIN
      ALTER DEFAULT PRIVILEGES FOR ROLE syncd_owner IN SCHEMA report GRANT SELECT ON TABLES TO syncd_reader, syncd_writer;
    EXCEPTION WHEN insufficient_privilege THEN
      RAISE NOTICE 'Run this SQL again after each upgrade, since you may not set default privileges for syncd_owner.';
    END;
  END IF;
  -- A member of syncd_reader does not inherit these settings. Repeat them for each person who reads reports.
  ALTER ROLE syncd_reader SET default_transaction_read_only = on;
  ALTER ROLE syncd_reader SET statement_timeout = '30s';
  ALTER ROLE syncd_reader SET work_mem = '64MB';
  -- Postgres logs the values of slow and of failing statements, unless this role's are cut to nothing.
  BEGIN
    ALTER ROLE syncd_writer SET log_parameter_max_length = 0;
    ALTER ROLE syncd_writer SET log_parameter_max_length_on_error = 0;
  EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'Only a superuser may set log_parameter_max_length. Have one run this SQL, or set it to 0 for the server.';
  END;
END $$;
COMMIT;
"""

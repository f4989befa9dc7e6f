-- An outcome makes its application's row of the reports due, as what changes the application itself does. A list brings
-- several outcomes of one application.

CREATE FUNCTION report_data.note_outcomes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO report_data.due (client_id, profile_id)
  SELECT DISTINCT client_id, profile_id FROM changed ORDER BY client_id, profile_id
  ON CONFLICT (client_id, profile_id) DO UPDATE SET profile_id = excluded.profile_id;
  RETURN NULL;
END $$;

CREATE TRIGGER report_due_insert AFTER INSERT ON ats.outcome
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION report_data.note_outcomes();
CREATE TRIGGER report_due_delete AFTER DELETE ON ats.outcome
  REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION report_data.note_outcomes();

-- Somebody may correct the id of an outcome, so both applications are due.
CREATE FUNCTION report_data.note_changed_outcomes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO report_data.due (client_id, profile_id)
  SELECT DISTINCT client_id, profile_id
  FROM (
    (SELECT client_id, profile_id, stage, occurred_on FROM old_rows
     EXCEPT SELECT client_id, profile_id, stage, occurred_on FROM new_rows)
    UNION ALL
    (SELECT client_id, profile_id, stage, occurred_on FROM new_rows
     EXCEPT SELECT client_id, profile_id, stage, occurred_on FROM old_rows)
  ) AS changed
  ORDER BY client_id, profile_id
  ON CONFLICT (client_id, profile_id) DO UPDATE SET profile_id = excluded.profile_id;
  RETURN NULL;
END $$;

CREATE TRIGGER report_due_update AFTER UPDATE ON ats.outcome
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION report_data.note_changed_outcomes();

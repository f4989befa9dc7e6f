-- Whatever changes an application makes its row of the reports due, in the same transaction. Triggers, so that no way to
-- change one is forgotten: a cycle, a command, an erasure, or an administrator's own SQL on applications and files. A role
-- that may change those needs no right here.
--
-- A row that is due already is written again. So a transaction that is about to strike it off waits for this one, and then
-- sees what has changed.

CREATE FUNCTION report_data.note_applications() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO report_data.due (client_id, profile_id)
  SELECT client_id, profile_id FROM changed ORDER BY client_id, profile_id
  ON CONFLICT (client_id, profile_id) DO UPDATE SET profile_id = excluded.profile_id;
  RETURN NULL;
END $$;

CREATE TRIGGER report_due_insert AFTER INSERT ON ats.application
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION report_data.note_applications();
CREATE TRIGGER report_due_delete AFTER DELETE ON ats.application
  REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION report_data.note_applications();

-- A refused confirm, which is retried every hour, changes no figure.
CREATE FUNCTION report_data.note_changes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO report_data.due (client_id, profile_id)
  SELECT new_rows.client_id, new_rows.profile_id
  FROM new_rows JOIN old_rows USING (client_id, profile_id)
  WHERE (new_rows.revision, new_rows.confirmed_revision, new_rows.first_confirmed_at, new_rows.first_seen_at,
         new_rows.erased_at, new_rows.applied_at, new_rows.external_reference_id, new_rows.job_template_key,
         new_rows.utm_source, new_rows.utm_medium, new_rows.utm_campaign, new_rows.utm_content, new_rows.language)
      IS DISTINCT FROM
        (old_rows.revision, old_rows.confirmed_revision, old_rows.first_confirmed_at, old_rows.first_seen_at,
         old_rows.erased_at, old_rows.applied_at, old_rows.external_reference_id, old_rows.job_template_key,
         old_rows.utm_source, old_rows.utm_medium, old_rows.utm_campaign, old_rows.utm_content, old_rows.language)
  ORDER BY 1, 2
  ON CONFLICT (client_id, profile_id) DO UPDATE SET profile_id = excluded.profile_id;
  RETURN NULL;
END $$;

CREATE TRIGGER report_due_update AFTER UPDATE ON ats.application
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION report_data.note_changes();

-- `syncd verify` marks every file as verified, which changes no figure.
CREATE FUNCTION report_data.note_files() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO report_data.due (client_id, profile_id)
  SELECT DISTINCT new_rows.client_id, new_rows.profile_id
  FROM new_rows JOIN old_rows USING (client_id, profile_id, media_id)
  WHERE (new_rows.state, new_rows.sha256, new_rows.mime_sniffed)
      IS DISTINCT FROM (old_rows.state, old_rows.sha256, old_rows.mime_sniffed)
  ORDER BY 1, 2
  ON CONFLICT (client_id, profile_id) DO UPDATE SET profile_id = excluded.profile_id;
  RETURN NULL;
END $$;

CREATE TRIGGER report_due_update AFTER UPDATE ON ats.media
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION report_data.note_files();

-- Another time zone puts applications on other days.
CREATE FUNCTION report_data.note_client() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO report_data.due (client_id, profile_id)
  SELECT client_id, profile_id FROM ats.application WHERE client_id = NEW.client_id
  ON CONFLICT (client_id, profile_id) DO UPDATE SET profile_id = excluded.profile_id;
  RETURN NULL;
END $$;

CREATE TRIGGER report_due_timezone AFTER UPDATE ON ats.client
  FOR EACH ROW WHEN (OLD.timezone IS DISTINCT FROM NEW.timezone)
  EXECUTE FUNCTION report_data.note_client();

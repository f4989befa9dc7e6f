CREATE VIEW report.sync_health AS
SELECT
    c.client_id,
    coalesce(c.label, c.client_id) AS client,
    ok.finished_at AT TIME ZONE c.timezone AS last_ok_local,
    (extract(epoch FROM now() - ok.finished_at) / 60)::integer AS minutes_since_ok,
    newest.outcome AS last_outcome,
    newest.error_message AS last_error,
    day.cycles AS cycles_24h,
    day.failed AS failed_24h,
    outbox.unconfirmed,
    (extract(epoch FROM now() - outbox.oldest) / 3600)::integer AS oldest_unconfirmed_hours,
    bad.quarantined,
    open_files.pending AS files_pending,
    open_files.rejected AS files_rejected,
    behind.reports_behind,
    coalesce(ok.finished_at > now() - interval '15 minutes', false) AS is_fresh,
    ok.finished_at IS NOT NULL
        AND outbox.unconfirmed + bad.quarantined + open_files.pending + open_files.rejected + behind.reports_behind = 0 AS is_whole
FROM ats.client c
LEFT JOIN LATERAL (
    SELECT finished_at FROM ops.cycle
    WHERE client_id = c.client_id AND outcome IN ('ok', 'partial')
    ORDER BY started_at DESC LIMIT 1
) AS ok ON true
LEFT JOIN LATERAL (
    SELECT outcome, error_message FROM ops.cycle WHERE client_id = c.client_id ORDER BY started_at DESC LIMIT 1
) AS newest ON true
CROSS JOIN LATERAL (
    SELECT count(*) AS cycles, count(*) FILTER (WHERE outcome IN ('failed', 'aborted')) AS failed
    FROM ops.cycle WHERE client_id = c.client_id AND started_at > now() - interval '24 hours'
) AS day
CROSS JOIN LATERAL (
    SELECT count(*) AS unconfirmed, min(CASE confirmed_revision WHEN 0 THEN first_seen_at ELSE changed_at END) AS oldest
    FROM ats.application WHERE client_id = c.client_id AND revision > confirmed_revision
) AS outbox
CROSS JOIN LATERAL (
    SELECT count(*) AS quarantined FROM ops.quarantine WHERE client_id = c.client_id AND resolved_at IS NULL
) AS bad
CROSS JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE state = 'pending') AS pending,
        count(*) FILTER (WHERE state = 'rejected') AS rejected
    FROM ats.media WHERE client_id = c.client_id AND state IN ('pending', 'rejected')
) AS open_files
CROSS JOIN LATERAL (
    SELECT count(*) AS reports_behind FROM report_data.due WHERE client_id = c.client_id
) AS behind;

COMMENT ON VIEW report.sync_health IS 'Whether the data is fresh and complete, by tenant.';
COMMENT ON COLUMN report.sync_health.client_id IS 'The tenant, as PitchYou names it.';
COMMENT ON COLUMN report.sync_health.client IS 'The tenant''s label, otherwise its id.';
COMMENT ON COLUMN report.sync_health.last_ok_local IS 'When the last successful cycle ended, in the tenant''s time zone.';
COMMENT ON COLUMN report.sync_health.minutes_since_ok IS 'Minutes since then.';
COMMENT ON COLUMN report.sync_health.last_outcome IS 'How the newest cycle ended; running while it runs.';
COMMENT ON COLUMN report.sync_health.last_error IS 'Why it failed, without personal data.';
COMMENT ON COLUMN report.sync_health.cycles_24h IS 'Cycles of the last 24 hours.';
COMMENT ON COLUMN report.sync_health.failed_24h IS 'Cycles of these that failed or were stopped.';
COMMENT ON COLUMN report.sync_health.unconfirmed IS 'Applications whose newest revision is not confirmed to PitchYou.';
COMMENT ON COLUMN report.sync_health.oldest_unconfirmed_hours IS 'Hours since the oldest of these came.';
COMMENT ON COLUMN report.sync_health.quarantined IS 'Profiles that could not be parsed.';
COMMENT ON COLUMN report.sync_health.files_pending IS 'Files that are still to be downloaded.';
COMMENT ON COLUMN report.sync_health.files_rejected IS 'Files that are too large.';
COMMENT ON COLUMN report.sync_health.reports_behind IS 'Applications whose newest state the reports do not show yet.';
COMMENT ON COLUMN report.sync_health.is_fresh IS 'Whether a cycle has succeeded in the last 15 minutes.';
COMMENT ON COLUMN report.sync_health.is_whole IS 'Whether nothing is open: everything listed is stored, confirmed and in the reports.';

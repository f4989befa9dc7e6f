CREATE OR REPLACE VIEW report.sync_health AS
SELECT
    c.client_id,
    coalesce(c.label, c.client_id) AS client,
    s.last_good_at AT TIME ZONE c.timezone AS last_ok_local,
    (extract(epoch FROM now() - s.last_good_at) / 60)::integer AS minutes_since_ok,
    CASE WHEN s.is_running THEN 'running' ELSE s.last_outcome END AS last_outcome,
    CASE WHEN NOT s.is_running THEN s.last_error_message END AS last_error,
    day.cycles AS cycles_24h,
    noted.failed AS failed_24h,
    outbox.unconfirmed,
    (extract(epoch FROM now() - outbox.oldest) / 3600)::integer AS oldest_unconfirmed_hours,
    bad.quarantined,
    open_files.pending AS files_pending,
    open_files.rejected AS files_rejected,
    behind.reports_behind,
    coalesce(
        s.last_good_at > now() - interval '15 minutes' - make_interval(secs => coalesce(c.cycle_gap_seconds, 0)), false
    ) AS is_fresh,
    s.last_good_at IS NOT NULL
        AND outbox.unconfirmed + bad.quarantined + open_files.pending + open_files.rejected + behind.reports_behind = 0 AS is_whole
FROM ats.client c
LEFT JOIN ops.client_state s ON s.client_id = c.client_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(n), 0)::bigint AS cycles
    FROM unnest(s.cycles_by_hour[1 : 24 - (
        floor(extract(epoch FROM now()) / 3600) - floor(extract(epoch FROM s.last_started_at) / 3600)
    )::integer]) AS n
) AS day
CROSS JOIN LATERAL (
    SELECT count(*) AS failed FROM ops.cycle
    WHERE client_id = c.client_id AND started_at > now() - interval '24 hours' AND outcome IN ('failed', 'aborted')
) AS noted
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

COMMENT ON COLUMN report.sync_health.is_fresh IS 'Whether a cycle has succeeded as the schedule demands, with 15 minutes to spare.';

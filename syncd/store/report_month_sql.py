"""The queries of one client's month. Each reads views of schema `report` alone.

They take the parameters client, month, last_year (its first day), has_last_year (does the data reach it?), end (the first
day of the next month), first_week and last_week (Mondays, of which the first one is a year
earlier than the first week of the report).
"""

from sqlalchemy import text

CLIENTS = text("SELECT client_id FROM report.sync_health ORDER BY client_id")
HEALTH = text(
    """
    SELECT client, last_ok_local, minutes_since_ok, unconfirmed, quarantined, files_pending, files_rejected,
           reports_behind, is_fresh, is_whole
    FROM report.sync_health WHERE client_id = :client
    """
)
DAYS = text(
    """
    SELECT now() AT TIME ZONE 'UTC' AS now,
           (SELECT min(applied_date) FROM report.daily WHERE client_id = :client) AS first
    """
)
TOTALS = text(
    """
    SELECT s.applications, s.applications_with_cv,
           coalesce(r.applications_person_known, 0) AS applications_person_known,
           coalesce(r.repeat_applications, 0) AS repeat_applications, r.median_days_since_previous,
           j.jobs, s.questions, s.answers,
           CAST(coalesce(m.files, 0) AS bigint) AS files,
           CAST(coalesce(m.files_missing, 0) AS bigint) AS files_missing,
           coalesce(m.applications_with_files_missing, 0) AS applications_with_files_missing
    FROM (
        SELECT CAST(coalesce(sum(applications), 0) AS bigint) AS applications,
               CAST(coalesce(sum(applications_with_cv), 0) AS bigint) AS applications_with_cv,
               CAST(coalesce(sum(questions), 0) AS bigint) AS questions,
               CAST(coalesce(sum(answers), 0) AS bigint) AS answers
        FROM report.source_performance WHERE client_id = :client AND month = :month
    ) s
    CROSS JOIN (
        SELECT count(DISTINCT job_reference) AS jobs
        FROM report.job_monthly
        WHERE client_id = :client AND month = :month AND job_reference NOT IN ('(none)', '(personal)', '(erased)')
    ) j
    LEFT JOIN report.repeat_applicants r ON r.client_id = :client AND r.month = :month
    LEFT JOIN report.media_health m ON m.client_id = :client AND m.month = :month
    """
)
WEEKS = text(
    """
    SELECT week, applications, is_current
    FROM report.weekly
    WHERE client_id = :client AND week BETWEEN :first_week AND :last_week
    """
)
# Counts of both months, in the order of `Compared`. A year that the data does not reach is null.
_COUNTS = """
    CAST(coalesce(sum(v.applications) FILTER (WHERE v.month = :month), 0) AS bigint) AS applications,
    CAST(coalesce(sum(v.applications_with_cv) FILTER (WHERE v.month = :month), 0) AS bigint) AS applications_with_cv,
    CASE WHEN CAST(:has_last_year AS boolean) THEN
        CAST(coalesce(sum(v.applications) FILTER (WHERE v.month = :last_year), 0) AS bigint)
    END AS applications_last_year,
    CASE WHEN CAST(:has_last_year AS boolean) THEN
        CAST(coalesce(sum(v.applications_with_cv) FILTER (WHERE v.month = :last_year), 0) AS bigint)
    END AS applications_with_cv_last_year
    """
_OF_BOTH = "WHERE v.client_id = :client AND v.month IN (:month, :last_year)"
_LARGEST_FIRST = "ORDER BY applications DESC, applications_last_year DESC NULLS LAST"
SOURCES = text(
    f"""
    SELECT v.source, {_COUNTS}
    FROM report.source_performance v {_OF_BOTH}
    GROUP BY v.source
    {_LARGEST_FIRST}, v.source
    """
)
CAMPAIGNS = text(
    f"""
    SELECT v.campaign, v.content, {_COUNTS}
    FROM report.campaign_performance v {_OF_BOTH}
    GROUP BY v.campaign, v.content
    {_LARGEST_FIRST}, v.campaign, v.content
    """
)
JOBS = text(
    f"""
    SELECT v.job_reference, j.title, u.job_reference IS NOT NULL AS is_unknown, {_COUNTS}
    FROM report.job_monthly v
    LEFT JOIN report.job j ON j.client_id = v.client_id AND j.job_reference = v.job_reference
    LEFT JOIN report.unmatched_job u ON u.client_id = v.client_id AND u.job_reference = v.job_reference
    {_OF_BOTH}
    GROUP BY v.job_reference, j.title, u.job_reference
    {_LARGEST_FIRST}, v.job_reference
    """
)
TEMPLATES = text(
    f"""
    SELECT v.template_key, max(v.template) AS template, {_COUNTS},
           CAST(coalesce(sum(v.questions) FILTER (WHERE v.month = :month), 0) AS bigint) AS questions,
           CAST(coalesce(sum(v.answers) FILTER (WHERE v.month = :month), 0) AS bigint) AS answers
    FROM report.template_performance v {_OF_BOTH}
    GROUP BY v.template_key
    {_LARGEST_FIRST}, v.template_key
    """
)
ANSWERS = text(
    """
    SELECT a.question, a.answer, CAST(a.applications AS bigint) AS applications, a.answered,
           CAST(b.applications AS bigint) AS applications_last_year, b.answered AS answered_last_year
    FROM report.answer_distribution a
    LEFT JOIN report.answer_distribution b
        ON b.client_id = a.client_id AND b.month = :last_year AND b.question = a.question AND b.answer = a.answer
    WHERE a.client_id = :client AND a.month = :month
    ORDER BY a.answered DESC, a.question, a.answer = '(other)', a.applications DESC, a.answer
    """
)
IDLE_LINKS = text(
    """
    SELECT l.job_reference, j.title, l.utm_source, l.utm_medium, l.utm_campaign, l.utm_content,
           l.links_issued, l.first_issued_date
    FROM report.link_performance l
    LEFT JOIN report.job j ON j.client_id = l.client_id AND j.job_reference = l.job_reference
    WHERE l.client_id = :client AND l.links_issued > 0 AND l.applications = 0 AND l.first_issued_date < :end
    ORDER BY l.first_issued_date, l.job_reference, l.utm_source, l.utm_medium, l.utm_campaign, l.utm_content
    """
)
IDLE_JOBS = text(
    """
    SELECT job_reference, title, opened_date, days_open, has_link
    FROM report.job_without_application
    WHERE client_id = :client AND (opened_date IS NULL OR opened_date < :end)
    ORDER BY days_open DESC NULLS LAST, job_reference
    """
)

-- Columns at the end only, so that rights to the view stay.
CREATE OR REPLACE VIEW report.application AS
SELECT
    f.application_key,
    f.client_id,
    coalesce(c.label, f.client_id) AS client,
    f.applied_date,
    date_trunc('week', f.applied_date::timestamp)::date AS applied_week,
    f.applied_month,
    extract(hour FROM f.applied_at AT TIME ZONE c.timezone)::integer AS applied_hour,
    f.applied_at AT TIME ZONE c.timezone AS applied_local,
    f.applied_at_is_estimated,
    f.client_id || '/' || f.job_reference AS job_key,
    f.job_reference,
    j.title AS job_title,
    j.department AS job_department,
    j.location AS job_location,
    j.recruiter AS job_recruiter,
    j.status AS job_status,
    coalesce(j.origin = 'import', false) AS job_is_known,
    f.template_key,
    t.description AS template,
    lower(f.utm_source) AS source,
    f.utm_source,
    f.utm_medium,
    f.utm_campaign,
    f.utm_content,
    f.language,
    f.questions,
    f.answers,
    f.files,
    f.files_missing,
    f.has_cv,
    f.has_image,
    f.has_video,
    f.application_no,
    f.application_no > 1 AS is_repeat,
    f.days_since_previous,
    f.is_confirmed,
    f.received_at AT TIME ZONE c.timezone AS received_local,
    f.hours_to_received,
    f.seconds_to_confirm,
    f.revision,
    f.erased_on IS NOT NULL AS is_erased,
    f.profile_id,
    f.screened_on AS screened_date,
    f.interviewed_on AS interviewed_date,
    f.offered_on AS offered_date,
    f.hired_on AS hired_date,
    f.rejected_on AS rejected_date,
    f.withdrawn_on AS withdrawn_date,
    CASE
        WHEN NOT f.applied_at_is_estimated AND f.hired_on >= f.applied_date THEN f.hired_on - f.applied_date
    END AS days_to_hire
FROM report_data.application f
JOIN ats.client c USING (client_id)
LEFT JOIN ats.job j ON j.client_id = f.client_id AND j.external_reference_id = f.job_reference
LEFT JOIN ats.job_template t ON t.client_id = f.client_id AND t.template_key = f.template_key;

COMMENT ON COLUMN report.application.screened_date IS 'When your ATS says that it was screened; null if it says nothing.';
COMMENT ON COLUMN report.application.interviewed_date IS 'When your ATS says that the applicant was interviewed.';
COMMENT ON COLUMN report.application.offered_date IS 'When your ATS says that the applicant got an offer.';
COMMENT ON COLUMN report.application.hired_date IS 'When your ATS says that the applicant was hired.';
COMMENT ON COLUMN report.application.rejected_date IS 'When your ATS says that you rejected the application.';
COMMENT ON COLUMN report.application.withdrawn_date IS 'When your ATS says that the applicant withdrew.';
COMMENT ON COLUMN report.application.days_to_hire IS 'Days from the application to the hire; null if not hired, or if the day of the application is estimated.';

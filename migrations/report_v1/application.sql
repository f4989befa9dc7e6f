CREATE VIEW report.application AS
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
    f.profile_id
FROM report_data.application f
JOIN ats.client c USING (client_id)
LEFT JOIN ats.job j ON j.client_id = f.client_id AND j.external_reference_id = f.job_reference
LEFT JOIN ats.job_template t ON t.client_id = f.client_id AND t.template_key = f.template_key;

COMMENT ON VIEW report.application IS 'One row per application, also of those that were erased. No contact data, but pseudonymous, so still personal data: give it to those who may see applications.';
COMMENT ON COLUMN report.application.application_key IS 'A number of syncd, which stays when the application is erased.';
COMMENT ON COLUMN report.application.client_id IS 'The tenant, as PitchYou names it.';
COMMENT ON COLUMN report.application.client IS 'The tenant''s label, otherwise its id.';
COMMENT ON COLUMN report.application.applied_date IS 'The day of the application, in the tenant''s time zone.';
COMMENT ON COLUMN report.application.applied_week IS 'The Monday of that week.';
COMMENT ON COLUMN report.application.applied_month IS 'The first day of that month.';
COMMENT ON COLUMN report.application.applied_hour IS 'The hour, 0 to 23, in the tenant''s time zone; null once erased.';
COMMENT ON COLUMN report.application.applied_local IS 'The time in the tenant''s time zone; null once erased.';
COMMENT ON COLUMN report.application.applied_at_is_estimated IS 'Whether the profile had no usable time, so that the time of receipt is used.';
COMMENT ON COLUMN report.application.job_key IS 'client_id/job_reference: one column to join report.job by.';
COMMENT ON COLUMN report.application.job_reference IS 'Your job''s id; (none) if the apply link had none; (personal) if it held an address or a number to call.';
COMMENT ON COLUMN report.application.job_title IS 'From your list, otherwise from the first apply link that had a title.';
COMMENT ON COLUMN report.application.job_department IS 'From your list.';
COMMENT ON COLUMN report.application.job_location IS 'From your list.';
COMMENT ON COLUMN report.application.job_recruiter IS 'From your list.';
COMMENT ON COLUMN report.application.job_status IS 'From your list, in your ATS''s own words.';
COMMENT ON COLUMN report.application.job_is_known IS 'Whether your list contains the job.';
COMMENT ON COLUMN report.application.template_key IS 'The interview; (standard) if the apply link named none.';
COMMENT ON COLUMN report.application.template IS 'The interview''s description.';
COMMENT ON COLUMN report.application.source IS 'utm_source in lower case, so that Indeed and indeed are one source.';
COMMENT ON COLUMN report.application.utm_source IS 'As it came, trimmed; (none) if missing; (personal) if it held an address or a number to call.';
COMMENT ON COLUMN report.application.utm_medium IS 'As it came, trimmed; (none) if missing; (personal) if it held an address or a number to call.';
COMMENT ON COLUMN report.application.utm_campaign IS 'As it came, trimmed; (none) if missing; (personal) if it held an address or a number to call.';
COMMENT ON COLUMN report.application.utm_content IS 'As it came, trimmed; (none) if missing; (personal) if it held an address or a number to call.';
COMMENT ON COLUMN report.application.language IS 'The language code; (none) if missing; (other) if it is not a code.';
COMMENT ON COLUMN report.application.questions IS 'Steps of the interview.';
COMMENT ON COLUMN report.application.answers IS 'Steps that have an answer.';
COMMENT ON COLUMN report.application.files IS 'Files of the application.';
COMMENT ON COLUMN report.application.files_missing IS 'Files that are not on disk.';
COMMENT ON COLUMN report.application.has_cv IS 'Whether a CV came. An empty file, and a file that five applicants have sent, do not count.';
COMMENT ON COLUMN report.application.has_image IS 'Whether an image came.';
COMMENT ON COLUMN report.application.has_video IS 'Whether a video came.';
COMMENT ON COLUMN report.application.application_no IS '1 for this person''s first application at this tenant, 2 for the second; null if neither phone nor e-mail came.';
COMMENT ON COLUMN report.application.is_repeat IS 'Whether application_no is above 1.';
COMMENT ON COLUMN report.application.days_since_previous IS 'Days since this person''s previous application.';
COMMENT ON COLUMN report.application.is_confirmed IS 'Whether the newest revision is confirmed to PitchYou.';
COMMENT ON COLUMN report.application.received_local IS 'When syncd first stored it, in the tenant''s time zone; null once erased.';
COMMENT ON COLUMN report.application.hours_to_received IS 'Hours from the application to its receipt; null if the time is estimated.';
COMMENT ON COLUMN report.application.seconds_to_confirm IS 'Seconds from the receipt to the first confirm. Later revisions do not change it.';
COMMENT ON COLUMN report.application.revision IS '1, and one more with each change at PitchYou.';
COMMENT ON COLUMN report.application.is_erased IS 'Whether the application was erased. Its figures stay.';
COMMENT ON COLUMN report.application.profile_id IS 'PitchYou''s id; null once erased.';

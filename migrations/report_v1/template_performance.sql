CREATE VIEW report.template_performance AS
SELECT
    f.client_id,
    f.month,
    f.template_key,
    t.description AS template,
    t.template_key IS NOT NULL AND t.removed_at IS NULL AS is_offered,
    f.applications,
    f.applications_with_cv,
    f.applications_with_video,
    f.applications_repeat,
    f.questions,
    f.answers
FROM (
    SELECT
        client_id,
        applied_month AS month,
        template_key,
        count(*) AS applications,
        count(*) FILTER (WHERE has_cv) AS applications_with_cv,
        count(*) FILTER (WHERE has_video) AS applications_with_video,
        count(*) FILTER (WHERE application_no > 1) AS applications_repeat,
        sum(questions) AS questions,
        sum(answers) AS answers
    FROM report_data.application
    GROUP BY 1, 2, 3
) AS f
LEFT JOIN ats.job_template t ON t.client_id = f.client_id AND t.template_key = f.template_key;

COMMENT ON VIEW report.template_performance IS 'Applications by month and interview. PitchYou delivers finished interviews only, so there is no completion rate.';
COMMENT ON COLUMN report.template_performance.client_id IS 'The tenant, as PitchYou names it.';
COMMENT ON COLUMN report.template_performance.month IS 'The first day of the month, in the tenant''s time zone.';
COMMENT ON COLUMN report.template_performance.template_key IS 'The interview; (standard) if the apply link named none.';
COMMENT ON COLUMN report.template_performance.template IS 'The interview''s description.';
COMMENT ON COLUMN report.template_performance.is_offered IS 'Whether PitchYou still offers it.';
COMMENT ON COLUMN report.template_performance.applications IS 'Applications.';
COMMENT ON COLUMN report.template_performance.applications_with_cv IS 'Applications with a CV.';
COMMENT ON COLUMN report.template_performance.applications_with_video IS 'Applications with a video.';
COMMENT ON COLUMN report.template_performance.applications_repeat IS 'Applications of people who had applied before.';
COMMENT ON COLUMN report.template_performance.questions IS 'Steps of their interviews.';
COMMENT ON COLUMN report.template_performance.answers IS 'Steps that have an answer.';

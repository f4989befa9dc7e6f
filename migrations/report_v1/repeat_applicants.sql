CREATE VIEW report.repeat_applicants AS
SELECT
    f.client_id,
    f.applied_month AS month,
    count(*) AS applications,
    count(f.application_no) AS applications_person_known,
    count(*) FILTER (WHERE f.application_no = 1) AS first_applications,
    count(*) FILTER (WHERE f.application_no > 1) AS repeat_applications,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY f.days_since_previous) AS median_days_since_previous
FROM report_data.application f
GROUP BY 1, 2;

COMMENT ON VIEW report.repeat_applicants IS 'First and repeated applications by month. Two applications are of one person if the phone number, or else the e-mail address, is the same.';
COMMENT ON COLUMN report.repeat_applicants.client_id IS 'The tenant, as PitchYou names it.';
COMMENT ON COLUMN report.repeat_applicants.month IS 'The first day of the month, in the tenant''s time zone.';
COMMENT ON COLUMN report.repeat_applicants.applications IS 'Applications.';
COMMENT ON COLUMN report.repeat_applicants.applications_person_known IS 'Applications with a phone number or an e-mail address. The base of shares.';
COMMENT ON COLUMN report.repeat_applicants.first_applications IS 'First applications of a person at this tenant.';
COMMENT ON COLUMN report.repeat_applicants.repeat_applications IS 'Further applications of a person.';
COMMENT ON COLUMN report.repeat_applicants.median_days_since_previous IS 'The median number of days since the person''s previous application.';

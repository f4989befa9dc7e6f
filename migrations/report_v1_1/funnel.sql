CREATE VIEW report.funnel AS
SELECT
    f.client_id,
    f.applied_month AS month,
    lower(f.utm_source) AS source,
    count(*) AS applications,
    count(f.screened_on) AS screened,
    count(f.interviewed_on) AS interviewed,
    count(f.offered_on) AS offered,
    count(f.hired_on) AS hired,
    count(f.rejected_on) AS rejected,
    count(f.withdrawn_on) AS withdrawn,
    count(*) FILTER (WHERE coalesce(f.hired_on, f.rejected_on, f.withdrawn_on) IS NULL) AS undecided
FROM report_data.application f
GROUP BY 1, 2, 3;

COMMENT ON VIEW report.funnel IS 'What became of the applications of a month, by source. Every application is in exactly one row, so sums are right. A stage counts only if your ATS has said it. A row of few applications may tell what became of one person: give it to those who may see applications.';
COMMENT ON COLUMN report.funnel.client_id IS 'The tenant, as PitchYou names it.';
COMMENT ON COLUMN report.funnel.month IS 'The first day of the month of the application, in the tenant''s time zone.';
COMMENT ON COLUMN report.funnel.source IS 'utm_source in lower case; (none) if missing.';
COMMENT ON COLUMN report.funnel.applications IS 'Applications.';
COMMENT ON COLUMN report.funnel.screened IS 'Applications of these that were screened, until now.';
COMMENT ON COLUMN report.funnel.interviewed IS 'Applications of these whose applicant was interviewed.';
COMMENT ON COLUMN report.funnel.offered IS 'Applications of these whose applicant got an offer.';
COMMENT ON COLUMN report.funnel.hired IS 'Applications of these whose applicant was hired.';
COMMENT ON COLUMN report.funnel.rejected IS 'Applications of these that you rejected.';
COMMENT ON COLUMN report.funnel.withdrawn IS 'Applications of these whose applicant withdrew.';
COMMENT ON COLUMN report.funnel.undecided IS 'Applications of these that are neither hired, rejected nor withdrawn.';

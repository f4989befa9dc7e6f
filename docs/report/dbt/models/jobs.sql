{{ config(alias='job') }}
select
    job_key,
    client_id,
    job_reference,
    title,
    department,
    location,
    recruiter,
    status,
    opened_date,
    closed_date,
    is_known,
    is_open,
    applications,
    applications_last_30_days,
    applications_with_cv,
    applications_repeat,
    first_application_date,
    last_application_date,
    days_to_first_application,
    links_issued
from {{ source('report', 'job') }}

{{ config(alias='calendar') }}
select
    day,
    week,
    iso_week,
    month,
    quarter,
    year,
    iso_weekday
from {{ source('report', 'calendar') }}

{{ config(alias='cost_performance') }}
select
    client_id,
    month,
    source,
    currency,
    amount,
    applications,
    cost_per_application,
    hires,
    cost_per_hire
from {{ source('report', 'cost_performance') }}

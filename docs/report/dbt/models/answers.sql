{{ config(alias='answer_distribution') }}
select
    client_id,
    month,
    question,
    answer,
    applications,
    answered
from {{ source('report', 'answer_distribution') }}

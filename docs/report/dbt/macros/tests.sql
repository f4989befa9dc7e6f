{#- The columns exist. -#}
{% test has_columns(model, columns) %}
  select {{ columns | join(', ') }} from {{ model }} where false
{% endtest %}

{#- No two rows have the same values in these columns. -#}
{% test one_row_for_each(model, columns) %}
  select {{ columns | join(', ') }}, count(*) from {{ model }} group by {{ columns | join(', ') }} having count(*) > 1
{% endtest %}

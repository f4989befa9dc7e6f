{#- A model that is a view of syncd already. dbt creates nothing, and fails if a column is missing. -#}
{% materialization existing, adapter='postgres' %}
  {%- call statement('main') -%}
    select * from ({{ sql }}) as model limit 0
  {%- endcall -%}
  {{ return({'relations': [this]}) }}
{% endmaterialization %}

{#- The models are in schema report itself, not in one that begins with the target's. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
  {{ custom_schema_name or target.schema }}
{%- endmacro %}

"""The semantic model: measures and metrics for MetricFlow, on the views that have one row for each fact."""

from __future__ import annotations

from typing import Any

# The views that are models, and the models' names.
MODELS = {
    "application": "applications",
    "job": "jobs",
    "calendar": "days",
    "cost_performance": "costs",
    "answer_distribution": "answers",
}


def _categories(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "type": "categorical"} for name in names]


def _time(name: str, granularity: str = "day", **more: str) -> dict[str, Any]:
    return {"name": name, "type": "time", "type_params": {"time_granularity": granularity}, **more}


def _measure(name: str, description: str, agg: str = "sum", **more: Any) -> dict[str, Any]:
    return {"name": name, "description": description, "agg": agg, **more}


SEMANTIC_MODELS: list[dict[str, Any]] = [
    {
        "name": "applications",
        "description": "Applications, and what became of them.",
        "model": "ref('applications')",
        "defaults": {"agg_time_dimension": "applied_date"},
        "entities": [
            {"name": "application", "type": "primary", "expr": "application_key"},
            {"name": "job", "type": "foreign", "expr": "job_key"},
        ],
        "dimensions": [
            _time("applied_date"),
            _time("hired_date"),
            *_categories(
                "client_id",
                "client",
                "applied_hour",
                "job_reference",
                "template_key",
                "template",
                "source",
                "utm_medium",
                "utm_campaign",
                "utm_content",
                "language",
                "has_cv",
                "has_image",
                "has_video",
                "is_repeat",
                "is_confirmed",
                "is_erased",
            ),
        ],
        "measures": [
            _measure("application_count", "Applications.", expr="1"),
            _measure("cv_count", "Applications with a CV.", "sum_boolean", expr="has_cv"),
            _measure(
                "repeat_count",
                "Applications of people who had applied before.",
                "sum_boolean",
                expr="is_repeat",
            ),
            _measure(
                "person_known_count",
                "Applications with a phone number or an e-mail address.",
                "count",
                expr="application_no",
            ),
            _measure("question_count", "Steps of the interviews.", expr="questions"),
            _measure("answer_count", "Steps that have an answer.", expr="answers"),
            _measure("file_count", "Files.", expr="files"),
            _measure("file_missing_count", "Files that are not on disk.", expr="files_missing"),
            _measure(
                "interviewed_count",
                "Applications whose applicant was interviewed.",
                "count",
                expr="interviewed_date",
            ),
            _measure(
                "hired_count",
                "Applications whose applicant was hired, by the day of the application.",
                "count",
                expr="hired_date",
            ),
            _measure("rejected_count", "Applications that you rejected.", "count", expr="rejected_date"),
            _measure(
                "hire_count",
                "Hires, by the day of the hire.",
                "count",
                expr="hired_date",
                agg_time_dimension="hired_date",
            ),
            _measure(
                "hire_timed_count",
                "Hires whose day of application is known.",
                "count",
                expr="days_to_hire",
                agg_time_dimension="hired_date",
            ),
            _measure(
                "hire_days",
                "Days from the application to the hire.",
                expr="days_to_hire",
                agg_time_dimension="hired_date",
            ),
        ],
    },
    {
        "name": "jobs",
        "description": "Jobs, to group applications by.",
        "model": "ref('jobs')",
        "entities": [{"name": "job", "type": "primary", "expr": "job_key"}],
        "dimensions": _categories(
            "title", "department", "location", "recruiter", "status", "is_known", "is_open"
        ),
    },
    {
        "name": "costs",
        "description": "What sources cost. Choose one currency, since a source with costs in two currencies counts twice.",
        "model": "ref('costs')",
        "defaults": {"agg_time_dimension": "applied_month"},
        "primary_entity": "cost",
        "dimensions": [
            _time("applied_month", "month", expr="month"),
            *_categories("client_id", "source", "currency"),
        ],
        "measures": [
            _measure("cost_amount", "Costs. Choose one currency.", expr="amount"),
            _measure(
                "cost_application_count",
                "Applications of these sources and months. Choose one currency.",
                expr="applications",
            ),
            _measure("cost_hire_count", "Hires of these applications. Choose one currency.", expr="hires"),
        ],
    },
    {
        "name": "answers",
        "description": "Answers to closed questions. Group by question, since each applicant answers several.",
        "model": "ref('answers')",
        "defaults": {"agg_time_dimension": "applied_month"},
        "primary_entity": "given_answer",
        "dimensions": [
            _time("applied_month", "month", expr="month"),
            *_categories("client_id", "question", "answer"),
        ],
        "measures": [
            _measure(
                "given_answer_count",
                "Applications with an answer. Group by question and answer.",
                expr="applications",
            )
        ],
    },
]


_MEASURES = {
    measure["name"]: measure["description"]
    for model in SEMANTIC_MODELS
    for measure in model.get("measures", ())
}


def _metric(name: str, kind: str, description: str, **params: str) -> dict[str, Any]:
    label = name.replace("_", " ").capitalize().replace(" cv", " CV").replace("Cv ", "CV ")
    return {"name": name, "label": label, "description": description, "type": kind, "type_params": params}


def _simple(name: str, measure: str) -> dict[str, Any]:
    return _metric(name, "simple", _MEASURES[measure], measure=measure)


def _ratio(name: str, numerator: str, denominator: str, description: str) -> dict[str, Any]:
    return _metric(name, "ratio", description, numerator=numerator, denominator=denominator)


METRICS: list[dict[str, Any]] = [
    _simple("applications", "application_count"),
    _simple("applications_with_cv", "cv_count"),
    _simple("repeat_applications", "repeat_count"),
    _simple("applications_person_known", "person_known_count"),
    _simple("questions", "question_count"),
    _simple("answers", "answer_count"),
    _simple("files", "file_count"),
    _simple("files_missing", "file_missing_count"),
    _simple("interviewed", "interviewed_count"),
    _simple("hired", "hired_count"),
    _simple("rejected", "rejected_count"),
    _simple("hires", "hire_count"),
    _simple("hires_timed", "hire_timed_count"),
    _simple("days_to_hires", "hire_days"),
    _simple("cost", "cost_amount"),
    _simple("cost_applications", "cost_application_count"),
    _simple("cost_hires", "cost_hire_count"),
    _simple("given_answers", "given_answer_count"),
    _ratio("cv_share", "applications_with_cv", "applications", "Applications with a CV / applications."),
    _ratio(
        "repeat_share",
        "repeat_applications",
        "applications_person_known",
        "Applications of people who had applied before / applications whose person is known.",
    ),
    _ratio("answer_share", "answers", "questions", "Steps that have an answer / steps."),
    _ratio("hire_share", "hired", "applications", "Hired / applications, by the day of the application."),
    _ratio(
        "average_days_to_hire",
        "days_to_hires",
        "hires_timed",
        "Days from the application to the hire, by the day of the hire.",
    ),
    _ratio("cost_per_application", "cost", "cost_applications", "Choose one currency."),
    _ratio("cost_per_hire", "cost", "cost_hires", "Choose one currency."),
]

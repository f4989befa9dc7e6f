"""The columns of CSV files that syncd knows, with their aliases: one table for all files."""

from syncd.recruiting.csv_header import Column

REFERENCE = Column(
    "reference",
    (
        "Referenz",
        "external_reference_id",
        "external_job_id",
        "Referenznummer",
        "Job",
        "Job-ID",
        "Job reference",
        "Stellen-ID",
        "Stellenreferenz",
        "Stellennummer",
        "Kennziffer",
    ),
    required=True,
)
TITLE = Column(
    "title", ("Titel", "Job title", "Jobtitel", "Stellentitel", "Stellenbezeichnung", "Stellenname")
)
# Columns of a job.
DEPARTMENT = Column("department", ("Abteilung", "Fachbereich"))
LOCATION = Column("location", ("Standort", "Ort", "Arbeitsort", "Einsatzort"))
RECRUITER = Column("recruiter", ("Ansprechpartner", "Ansprechpartnerin", "Ansprechperson"))
STATUS = Column("status")
OPENED = Column("opened", ("opened_at", "Geöffnet", "Geöffnet am", "Eröffnet", "Eröffnet am"))
CLOSED = Column("closed", ("closed_at", "Geschlossen", "Geschlossen am"))
# Columns of an apply link.
TEMPLATE = Column("template", ("template_key", "job_template_key", "jkey", "Vorlage"))
UTM_SOURCE = Column("utm_source")
UTM_MEDIUM = Column("utm_medium")
UTM_CAMPAIGN = Column("utm_campaign")
UTM_CONTENT = Column("utm_content")
# Columns of a cost.
MONTH = Column("month", ("Monat",), required=True)
SOURCE = Column("source", ("Quelle", "utm_source"), required=True)
AMOUNT = Column(
    "amount",
    (
        "Betrag",
        "Kosten",
        "cost",
        "costs",
        *(
            f"{title} {unit}"
            for title in ("Betrag", "Kosten")
            for unit in ("EUR", "(EUR)", "in EUR", "(€)", "in €", "in Euro")
        ),
    ),
    required=True,
)
CURRENCY = Column("currency", ("Währung",))
# Columns of an outcome.
PROFILE_ID = Column("profile_id", ("Profil-ID", "Profil", "profile"), required=True)
STAGE = Column("stage", ("Stufe", "Phase"), required=True)
DATE = Column("date", ("Datum", "occurred_on"), required=True)

OF_A_JOB = (REFERENCE, TITLE, DEPARTMENT, LOCATION, RECRUITER, STATUS, OPENED, CLOSED)
OF_A_LINK = (REFERENCE, TEMPLATE, TITLE, UTM_SOURCE, UTM_MEDIUM, UTM_CAMPAIGN, UTM_CONTENT)
OF_A_COST = (MONTH, SOURCE, AMOUNT, CURRENCY)
OF_AN_OUTCOME = (PROFILE_ID, STAGE, DATE)

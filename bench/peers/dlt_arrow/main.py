"""dlt with Arrow: the list is decoded once, made into one Arrow table for each target table, and merged by keys.

It stands for the user who knows dlt well and writes the unnesting by hand. It follows "Arrow table / Pandas", "Fast
loading with Arrow tables" of "Postgres", and "Merge loading" of dlt's documentation.
"""

import argparse
import os

SETTINGS = {  # dlt reads them when it is imported
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
    "DATA_WRITER__DISABLE_COMPRESSION": "true",
}
for setting, value in SETTINGS.items():
    os.environ.setdefault(setting, value)

import dlt  # noqa: E402  # after its settings
from dlt.sources.helpers import requests  # noqa: E402  # as above
from unnest import tables  # noqa: E402  # as above

KEYS = {
    "answer": ("profile_id", "step_no"),
    "media": ("profile_id", "media_id"),
    "attachment": ("profile_id", "role", "step_no", "ordinal"),
}


def main() -> None:
    """Extract, normalize and load once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--media", help="taken, as by every peer; dlt stores no files")
    parser.add_argument("--work", required=True, help="where dlt keeps its packages and its state")
    chosen = parser.parse_args()
    pipeline = dlt.pipeline(
        pipeline_name="pitchyou_arrow",
        pipelines_dir=chosen.work,
        destination=dlt.destinations.postgres(chosen.database),
        dataset_name="dlt_arrow",
    )
    token = requests.post(f"{chosen.source}/token", data={"grant_type": "client_credentials"}).json()
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    answer = requests.get(f"{chosen.source}/api/applicant/v1/profiles", headers=headers)
    resources = [
        dlt.resource(
            table,
            name=name,
            primary_key=KEYS.get(name, "profile_id"),
            merge_key="profile_id",  # an answer that a profile no longer has goes with the old ones
            write_disposition="merge",
        )
        for name, table in tables(answer.content).items()
    ]
    pipeline.run(resources, loader_file_format="csv").raise_on_failed_jobs()


if __name__ == "__main__":
    main()

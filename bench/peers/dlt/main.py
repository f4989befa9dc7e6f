"""dlt as its documentation shows a source over HTTP: one resource, merged by its key into Postgres, nested lists unnested.

It stands for the user who takes a ready loader. It follows "Resource", "Merge loading" and "Requests wrapper" (the wrapper
retries) of dlt's documentation, with dlt's own settings. The API has no cursor, so each run loads the whole list. Its files
as CSV (`loader_file_format="csv"`) and uncompressed took about a quarter less time.
"""

import argparse
import os
from collections.abc import Iterator
from typing import Any

SETTINGS = {  # dlt reads them when it is imported
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",  # not a warning at each run that `profileImage` was always empty
}
for name, value in SETTINGS.items():
    os.environ.setdefault(name, value)

import dlt  # noqa: E402  # after its settings
from dlt.sources.helpers import requests  # noqa: E402  # as above

Profile = dict[str, Any]


# Of the strategies, "delete-insert" is the default. "upsert" took more than ten minutes for 20,000 profiles that had been
# loaded before: it removes nested rows with NOT IN over a list that is larger than work_mem.
@dlt.resource(name="application", primary_key="profileId", write_disposition="merge")
def applications(source: str) -> Iterator[list[Profile]]:
    """Give all profiles as one page; the API has no smaller ones."""
    answer = requests.post(f"{source}/token", data={"grant_type": "client_credentials"})
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    yield requests.get(f"{source}/api/applicant/v1/profiles", headers=headers).json()


def main() -> None:
    """Extract, normalize and load once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--media", help="taken, as by every peer; dlt stores no files")
    parser.add_argument("--work", required=True, help="where dlt keeps its packages and its state")
    chosen = parser.parse_args()
    pipeline = dlt.pipeline(
        pipeline_name="pitchyou",
        pipelines_dir=chosen.work,
        destination=dlt.destinations.postgres(chosen.database),
        dataset_name="dlt",
    )
    pipeline.run(applications(chosen.source)).raise_on_failed_jobs()


if __name__ == "__main__":
    main()

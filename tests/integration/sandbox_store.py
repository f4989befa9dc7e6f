"""A correct client that stores profiles with plain SQL. The sandbox's audit must have no findings about it."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from syncd.sandbox import Sandbox
from tests.integration.sandbox_calls import Calls, calling

Connection = psycopg.Connection[Any]


@dataclass
class Store:
    """A client's database and media root, and the sandbox that fills them."""

    sandbox: Sandbox
    calls: Calls
    connection: Connection
    root: Path

    def execute(self, sql: str, *values: Any) -> None:
        """Changes the database and commits."""
        self.connection.execute(sql, values)
        self.connection.commit()

    def take_over(self) -> list[Any]:
        """Stores everything on the list, including files. Returns the ids, which are not confirmed yet."""
        ids = []
        for element in self.calls.profiles():
            self.keep(element)
            ids.append(element["profileId"])
        return ids

    def keep(self, profile: dict[str, Any]) -> None:
        """Stores a profile, and replaces its older revision."""
        key = (self.calls.client, str(profile["profileId"]))
        one = "WHERE client_id = %s AND profile_id = %s"
        old = self.connection.execute(f"SELECT revision FROM ats.application {one}", key).fetchone()
        revision = old[0] + 1 if old else 1
        for table in ("attachment", "media", "answer", "application_contact", "application_raw"):
            self.connection.execute(f"DELETE FROM ats.{table} {one}", key)
        self.connection.execute(
            "INSERT INTO ats.application (client_id, profile_id, wire_id, payload_sha256, revision)"
            " VALUES (%s, %s, %s, '', %s) ON CONFLICT (client_id, profile_id) DO UPDATE SET revision = %s",
            (*key, json.dumps(profile["profileId"]), revision, revision),
        )
        self.connection.execute(
            "INSERT INTO ats.application_raw (client_id, profile_id, revision, payload) VALUES (%s, %s, %s, %s)",
            (*key, revision, json.dumps(profile).encode()),
        )
        self._keep_passed_through(key, profile)
        self.connection.execute(
            "INSERT INTO ats.application_contact (client_id, profile_id, first_name, last_name, email, phone)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            (*key, *(profile.get(name) for name in ("firstName", "lastName", "email", "phone"))),
        )
        self._keep_steps(key, profile)
        for role in ("cv", "profileImage"):
            self._attach(
                key,
                "cv" if role == "cv" else "profile_image",
                -1,
                [profile[role]] if profile.get(role) else [],
            )
        self.connection.commit()

    def _keep_passed_through(self, key: tuple[str, str], profile: dict[str, Any]) -> None:
        self.connection.execute(
            "INSERT INTO ats.job (client_id, external_reference_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            (key[0], profile.get("externalReferenceId", "unnamed")),
        )
        self.connection.execute(
            "UPDATE ats.application SET external_reference_id = %s, job_template_key = %s, utm_source = %s,"
            " utm_medium = %s, utm_campaign = %s, utm_content = %s WHERE client_id = %s AND profile_id = %s",
            (
                profile.get("externalReferenceId"),
                profile["jobTemplateKey"],
                *(profile[f"utm{part}"] for part in ("Source", "Medium", "Campaign", "Content")),
                *key,
            ),
        )

    def _keep_steps(self, key: tuple[str, str], profile: dict[str, Any]) -> None:
        for number, step in enumerate(profile["steps"]):
            answer = step["answer"]
            self.connection.execute(
                "INSERT INTO ats.answer (client_id, profile_id, step_no, question, answer, answer_json)"
                " VALUES (%s, %s, %s, %s, %s, %s)",
                (*key, number, step["question"], answer if isinstance(answer, str) else None, Jsonb(answer)),
            )
            self._attach(key, "step", number, step.get("attachments", []))

    def _attach(self, key: tuple[str, str], role: str, step_no: int, entries: list[dict[str, Any]]) -> None:
        for ordinal, entry in enumerate(entries):
            media_id = str(entry["mediaId"])
            self._fetch(key, media_id, entry)
            self.connection.execute(
                "INSERT INTO ats.attachment (client_id, profile_id, role, step_no, ordinal, media_id)"
                " VALUES (%s, %s, %s, %s, %s, %s)",
                (*key, role, step_no, ordinal, media_id),
            )

    def _fetch(self, key: tuple[str, str], media_id: str, entry: dict[str, Any]) -> None:
        answer = self.calls.media(key[1], media_id)
        insert = (
            "INSERT INTO ats.media (client_id, profile_id, media_id, mime_type, file_name,"
            " state, size_bytes, sha256, storage_path)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
        )
        described = (*key, media_id, entry["mimeType"], entry["fileName"])
        if answer.status_code in (404, 410):
            self.connection.execute(insert, (*described, "gone", None, None, None))
            return
        path = f"{key[0]}/{key[1]}/{media_id}"
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(answer.content)
        digest = hashlib.sha256(answer.content).digest()
        self.connection.execute(insert, (*described, "stored", len(answer.content), digest, path))

    def confirm(self, ids: list[Any]) -> list[str]:
        """Confirms profiles and marks them. Returns the findings of the audit about this confirm."""
        before = len(self.sandbox.findings)
        assert self.calls.confirm(ids).status_code == 200
        self.execute(
            "UPDATE ats.application SET confirmed_revision = revision WHERE client_id = %s AND profile_id = ANY(%s)",
            self.calls.client,
            [str(each) for each in ids],
        )
        return self.sandbox.findings[before:]


@contextmanager
def storing(database_url: str, root: Path, **switches: Any) -> Iterator[Store]:
    """Starts a sandbox that audits this database and media root, and yields it with a correct client."""
    root.mkdir(exist_ok=True)
    plain = database_url.replace("+psycopg", "", 1)
    with (
        calling(database_url=database_url, media_root=root, **switches) as (sandbox, calls),
        psycopg.connect(plain) as connection,
    ):
        connection.execute("INSERT INTO ats.client (client_id) VALUES (%s)", (calls.client,))
        connection.commit()
        yield Store(sandbox, calls, connection, root)

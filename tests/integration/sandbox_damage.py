"""Damages a correct store like a careless client, a broken disk or a stranger, and names the expected findings."""

from collections.abc import Callable
from pathlib import Path

from syncd.sandbox.audit.checks import PASSED_THROUGH
from tests.integration.sandbox_store import Store

ONE_MEDIA = "(SELECT profile_id, media_id FROM ats.media WHERE state = 'stored' ORDER BY 1, 2 LIMIT 1)"
OF_ONE_MEDIA = f"WHERE (profile_id, media_id) = {ONE_MEDIA}"
OF_ONE_PROFILE = "WHERE profile_id = (SELECT min(profile_id) FROM ats.application)"


def stored_file(store: Store) -> Path:
    row = store.connection.execute(f"SELECT storage_path FROM ats.media {OF_ONE_MEDIA}").fetchone()
    assert row is not None
    return store.root / str(row[0])


def sql(statement: str) -> Callable[[Store], None]:
    return lambda store: store.execute(statement)


def flip_a_byte(store: Store) -> None:
    body = bytearray(stored_file(store).read_bytes())
    body[-1] ^= 1
    stored_file(store).write_bytes(body)


def cut_short(store: Store) -> None:
    stored_file(store).write_bytes(b"")


DAMAGE: dict[str, tuple[Callable[[Store], None], str]] = {
    "no row": (sql(f"DELETE FROM ats.application {OF_ONE_PROFILE}"), "0 committed rows in ats.application"),
    "no raw payload": (sql(f"DELETE FROM ats.application_raw {OF_ONE_PROFILE}"), "no payload of revision 1"),
    "payload never listed": (
        sql(f"UPDATE ats.application_raw SET payload = '{{\"profileId\": 1}}' {OF_ONE_PROFILE}"),
        "was never listed for this profile",
    ),
    "no contact": (
        sql(f"DELETE FROM ats.application_contact {OF_ONE_PROFILE}"),
        "no row in ats.application_contact",
    ),
    "contact changed": (
        sql(f"UPDATE ats.application_contact SET phone = NULL {OF_ONE_PROFILE}"),
        "phone is not the phone that was served",
    ),
    "answer missing": (
        sql(f"DELETE FROM ats.answer {OF_ONE_PROFILE} AND step_no = 3"),
        "rows in ats.answer for",
    ),
    "answer under another number": (
        sql(f"UPDATE ats.answer SET step_no = 99 {OF_ONE_PROFILE} AND step_no = 3"),
        "0 rows in ats.answer for step 3",
    ),
    "question changed": (
        sql(f"UPDATE ats.answer SET question = 'x' {OF_ONE_PROFILE} AND step_no = 0"),
        "the question of step 0",
    ),
    "text answer changed": (
        sql(f"UPDATE ats.answer SET answer = answer || ' ' {OF_ONE_PROFILE} AND step_no = 1"),
        "the answer of step 1",
    ),
    "json answer changed": (
        sql(f"UPDATE ats.answer SET answer_json = 'false' {OF_ONE_PROFILE} AND step_no = 0"),
        "the answer of step 0",
    ),
    "true kept as 1": (
        sql(f"UPDATE ats.answer SET answer_json = '1' {OF_ONE_PROFILE} AND step_no = 0"),
        "the answer of step 0",
    ),
    "text answer changed in its JSON form": (
        sql(f"UPDATE ats.answer SET answer_json = '\"x\"' {OF_ONE_PROFILE} AND step_no = 1"),
        "the answer of step 1",
    ),
    "job lost": (
        sql(f"UPDATE ats.application SET external_reference_id = NULL {OF_ONE_PROFILE}"),
        "external_reference_id is not the externalReferenceId that was served",
    ),
    **{
        f"{column} changed": (
            sql(f"UPDATE ats.application SET {column} = 'x' {OF_ONE_PROFILE}"),
            f"{column} is not the {key} that was served",
        )
        for column, key in PASSED_THROUGH.items()
        if column != "external_reference_id"  # a job that does not exist is refused by the database
    },
    **{
        f"{column} changed": (
            sql(f"UPDATE ats.media SET {column} = 'x' {OF_ONE_MEDIA}"),
            "has another mimeType or fileName than was served",
        )
        for column in ("mime_type", "file_name")
    },
    "media row missing": (
        sql(f"DELETE FROM ats.attachment {OF_ONE_MEDIA}; DELETE FROM ats.media {OF_ONE_MEDIA}"),
        "0 rows in ats.media",
    ),
    "attachment missing": (sql(f"DELETE FROM ats.attachment {OF_ONE_MEDIA}"), "the attachments of"),
    "attachment elsewhere": (
        sql(f"UPDATE ats.attachment SET role = 'step', step_no = 77 {OF_ONE_MEDIA}"),
        "the attachments of step 77",
    ),
    "media pending": (sql(f"UPDATE ats.media SET state = 'pending' {OF_ONE_MEDIA}"), "in state 'pending'"),
    "media called gone": (
        sql(f"UPDATE ats.media SET state = 'gone' {OF_ONE_MEDIA}"),
        "marked gone, but",
    ),
    "media called rejected": (
        sql(f"UPDATE ats.media SET state = 'rejected' {OF_ONE_MEDIA}"),
        "marked rejected, but it is not over the cap",
    ),
    "digest wrong": (
        sql(f"UPDATE ats.media SET sha256 = sha256('x') {OF_ONE_MEDIA}"),
        "not those of any answer",
    ),
    "size wrong": (
        sql(f"UPDATE ats.media SET size_bytes = size_bytes + 1 {OF_ONE_MEDIA}"),
        "not those of any answer",
    ),
    "path outside": (
        sql(f"UPDATE ats.media SET storage_path = '../' || storage_path {OF_ONE_MEDIA}"),
        "not below the media root",
    ),
    "no path": (sql(f"UPDATE ats.media SET storage_path = NULL {OF_ONE_MEDIA}"), "not below the media root"),
    "file missing": (lambda store: stored_file(store).unlink(), "the file cannot be read"),
    "one bit of the file flipped": (flip_a_byte, "bytes are not those served"),
    "file cut short": (cut_short, "bytes are not those served"),
}

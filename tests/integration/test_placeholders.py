"""`syncd placeholders`: an operator decides which files count as a CV, and the reports follow."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from syncd.cli.account import account
from syncd.store.database import Database
from tests.integration.report_ledger import entries, refresh, store
from tests.system.processes import site

FORM, PAIR, ALONE = (sha256(name).digest() for name in (b"form", b"pair", b"alone"))
# Of five people, one of whom has sent the form twice; of two people; of one.
SENT = {"P0": (1, FORM)} | {f"P{n}": (n, FORM) for n in range(1, 6)}
SENT |= {"P6": (6, PAIR), "P7": (7, PAIR), "P8": (8, ALONE), "P9": (8, ALONE)}
SECOND_CV = (
    "INSERT INTO ats.media (client_id, profile_id, media_id, state, sha256, size_bytes) "
    f"VALUES ('acme', 'P0', 'second', 'stored', '\\x{PAIR.hex()}', 9)",
    "INSERT INTO ats.attachment (client_id, profile_id, role, step_no, ordinal, media_id) "
    "VALUES ('acme', 'P0', 'cv', -1, 1, 'second')",
)


def test_an_operator_decides_what_is_a_cv_and_the_rule_leaves_it_so(
    database_url: str, tmp_path: Path
) -> None:
    made = entries(11, seed=6)
    ledger = [
        replace(entry, client_id="acme", profile_id=profile_id, person=person, cv=cv)
        for entry, (profile_id, (person, cv)) in zip(made, SENT.items(), strict=False)
    ]
    of_another = replace(made[-1], client_id="beta", profile_id="P1", cv=FORM)
    with site(database_url, tmp_path) as here, Database(database_url) as database:
        store(database, [*ledger, of_another])
        for statement in SECOND_CV:
            here.execute(statement)
        refresh(database)

        def without_cv() -> set[str]:
            refresh(database)
            found = here.rows(
                "SELECT profile_id FROM report.application WHERE client_id = 'acme' AND NOT has_cv"
            )
            return {profile_id for (profile_id,) in found}

        def said(*words: str) -> Any:
            result = here.run("placeholders", *words, "--json")
            assert (result.returncode, result.stderr) == (0, "")
            return json.loads(result.stdout)

        def decided(digest: bytes, applications: int, applicants: int, **how: object) -> dict[str, object]:
            facts = {
                "client_id": "acme",
                "sha256": digest.hex(),
                "is_placeholder": True,
                "decided_by": "rule",
            }
            return facts | {"applications": applications, "applicants": applicants} | how

        forms = {f"P{n}" for n in range(1, 6)}
        assert without_cv() == forms
        assert said("list") == {"placeholders": [decided(FORM, 6, 5)]}

        me = account()
        allowed = decided(FORM, 6, 5, is_placeholder=False, decided_by=me)
        assert said("allow", FORM.hex()) == allowed
        assert here.rows("SELECT profile_id FROM report_data.due ORDER BY 1") == [
            (f"P{n}",) for n in range(6)
        ]
        assert without_cv() == set()
        assert said("refuse", PAIR.hex().upper()) == decided(PAIR, 3, 3, decided_by=me)
        assert without_cv() == {"P6", "P7"}
        # P0 has the form as well, which counts as long as it is allowed.
        assert said("refuse", FORM.hex())["is_placeholder"] is True
        assert without_cv() == forms | {"P0", "P6", "P7"}
        said("allow", FORM.hex())
        here.execute("UPDATE ats.application SET revision = revision + 1")
        assert without_cv() == {"P6", "P7"}
        assert said("list") == {"placeholders": [allowed, decided(PAIR, 2, 2, decided_by=me)]}
        shown = here.run("placeholders", "list").stdout.splitlines()
        assert shown == [
            f"acme  a CV   {FORM.hex()}: sent by 5 applicants in 6 applications (decided by {me})",
            f"acme  no CV  {PAIR.hex()}: sent by 2 applicants in 2 applications (decided by {me})",
        ]
        # A file of one person would tell, after an erasure, that this person has applied.
        for digest, reason in (
            (ALONE.hex(), "fewer than two applicants"),
            ("x" * 64, "64 hexadecimal digits"),
        ):
            refused = here.run("placeholders", "refuse", digest)
            assert refused.returncode == 2
            assert reason in refused.stderr
        assert len(said("list")["placeholders"]) == 2

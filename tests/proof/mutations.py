"""One-line faults of syncd, and who must notice each: a test of the suite, and often a proof as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """What is put in place of what in a file of `syncd`, the tests that are to notice it, and what they must say then.

    `proof` names a proof that is to notice it as well, and points that are enough for it; `proven`, what it must say.
    """

    file: str
    old: str
    new: str
    tests: str
    finding: str
    proof: str = ""
    points: Sequence[str] = ()
    proven: str = ""


MUTANTS = {
    "confirm before commit": Mutant(
        "sync/land.py",
        "        landed, kept = work.write(",
        "        work.api.confirm([each.wire_id for each in batch if isinstance(each, Profile)], work.deadline)\n"
        "        landed, kept = work.write(",
        "tests/integration/test_faults_confirm.py::test_what_is_confirmed_is_committed",
        "0 committed rows in ats.application",
    ),
    "confirm before the files are there": Mutant(
        "store/confirmations.py",
        "\"AND m.state IN ('pending', 'rejected')) AND NOT EXISTS (\"",
        '"AND false) AND NOT EXISTS ("',
        "tests/integration/test_faults_media.py::test_nothing_is_confirmed_while_a_file_of_it_is_pending",
        "Extra items in the left set",
    ),
    "confirm before fsync": Mutant(
        "sync/fetch.py",
        "        work.vault.settle(work.client_id)\n    work.write(lambda c: media.record(c, work.client_id, results))\n",
        "        pass\n    work.write(lambda c: media.record(c, work.client_id, results))\n"
        "    from syncd.sync.confirm import confirm_ready; confirm_ready(work)\n"
        "    work.vault.settle(work.client_id)\n",
        "tests/integration/test_durability_order.py::test_each_file_is_synced_then_named_then_its_folders_are_synced_and_only_then_it_is_confirmed",
        r"assert \d+ < \d+",
    ),
    "no fsync of the file": Mutant(
        "media/vault.py",
        "                os.fsync(descriptor)\n        finally:\n            os.close(descriptor)\n        return size",
        "                pass\n        finally:\n            os.close(descriptor)\n        return size",
        "tests/integration/test_durability_order.py::test_each_file_is_synced_then_named_then_its_folders_are_synced_and_only_then_it_is_confirmed",
        "no fsync like .*tmp/acme",
        proof="power",
        points=["ext4:small:11:end"],
        proven="is not whole",
    ),
    "no fsync of the folder": Mutant(
        "media/disk.py",
        "    fsync_folder(folder)\n\n\ndef",
        "\n\ndef",
        "tests/integration/test_durability_order.py::test_each_file_is_synced_then_named_then_its_folders_are_synced_and_only_then_it_is_confirmed",
        r"no fsync like .*/media/acme/\S+> behind",
        proof="power",
        points=[f"xfs:small:{seed}:end" for seed in (11, 23, 37)],
        proven="is stored, but not there after a power cut",
    ),
    "no fsync of the client's folder": Mutant(
        "sync/fetch.py",
        "        work.vault.settle(work.client_id)",
        "        pass",
        "tests/integration/test_durability_order.py::test_each_file_is_synced_then_named_then_its_folders_are_synced_and_only_then_it_is_confirmed",
        "no fsync like .*/media/acme> behind",
    ),
    "no check of the size": Mutant(
        "media/vault.py",
        "if size != length and (length is not None or size == 0):",
        "if False:",
        "tests/unit/test_vault.py::test_what_is_not_whole_or_too_large_leaves_the_file_that_was_there",
        "DID NOT RAISE IncompleteFile",
    ),
    "trust a lost COMMIT": Mutant(
        "sync/land.py",
        "        landed, kept = work.write(lambda connection: _land(connection, work.client_id, batch, bad))\n",
        "        said: list[tuple[Landed, list[BadProfile]]] = []\n"
        "        landed, kept = work.write(\n"
        "            lambda c: said[0] if said else (said.append(_land(c, work.client_id, batch, bad)), said[0])[1]\n"
        "        )\n",
        "tests/system/test_postgres_outage.py::"
        "test_whichever_commit_or_answer_to_one_is_lost_nothing_is_lost_or_doubled[False]",
        "0 committed rows in ats.application|served, but never confirmed",
        proof="wire",
        points=[f"11:>Q:{number}:before" for number in range(15, 35)],
        proven="0 committed rows in ats.application",
    ),
    "ignore the fence": Mutant(
        "store/leases.py",
        "WHERE client_id = :client_id AND fence = :fence {locking}",
        "WHERE client_id = :client_id {locking}",
        "tests/integration/test_leases.py::test_a_daemon_that_was_frozen_while_another_took_over_writes_nothing_more",
        r"\{'ops.cycle'",
        proof="replicas",
        points=["1"],
        proven="written by one while another held the lease",
    ),
    "skip the outbox": Mutant(
        "store/confirmations.py",
        "ORDER BY first_seen_at, profile_id LIMIT :limit",
        "AND changed_at > (SELECT max(started_at) FROM ops.cycle) ORDER BY first_seen_at, profile_id LIMIT :limit",
        "tests/integration/test_faults_confirm.py::test_a_confirm_whose_answers_are_all_lost_is_sent_again_by_the_next_cycle",
        "assert 0 == 6",
        proof="crash",
        points=[f"11:sendto socket:{number}" for number in range(120, 240, 8)],
        proven="was served, but never confirmed",
    ),
    "children are not deleted": Mutant(
        "store/applications.py",
        '    for name in ("answer", "attachment", "application_contact"):',
        '    for name in ("attachment", "application_contact"):',
        "tests/integration/test_readings_changes.py::test_steps_that_a_new_version_does_not_have_any_more_are_gone",
        r"Left contains \d+ more items",
        proof="model",
        points=["1"],
        proven="instead of",
    ),
    "the hash ignores media": Mutant(
        "pitchyou/json_values.py",
        "_CANONICAL.encode(value)",
        '_CANONICAL.encode({key: value[key] for key in value if key not in ("cv", "profileImage")})',
        "tests/unit/test_payload_digest.py::test_another_meaning_is_a_change",
        "assert b'.* != b'",
    ),
    "a redirect is followed": Mutant(
        "pitchyou/http.py",
        "follow_redirects=False,",
        "follow_redirects=True,",
        "tests/integration/test_client_origin.py::test_a_redirect_is_refused_and_its_target_never_hears_of_us[301-confirm]",
        "NotImplementedError",  # before it follows, httpx reads the whole answer, which our transport does not offer
    ),
    "a redirect passes for an answer": Mutant(
        "pitchyou/retry.py",
        "    if 200 <= status < 300:",
        "    if 200 <= status < 400:",
        "tests/integration/test_client_origin.py::test_a_redirect_is_refused_and_its_target_never_hears_of_us[301-confirm]",
        "DID NOT RAISE",
    ),
    "a 401 is retried again and again": Mutant(
        "pitchyou/session.py",
        "        for last in (False, True):",
        "        for last in (*[False] * 20, True):",
        "tests/integration/test_client_token.py::test_a_401_for_ever_fails_the_cycle_with_a_clear_error_after_two_tries",
        "assert 21 == 2",
    ),
    "quarantine swallows bytes": Mutant(
        "store/quarantine.py",
        "profile.reason, fingerprint, profile.payload)",
        "profile.reason, fingerprint, profile.payload[:10])",
        "tests/integration/test_bad_profiles.py::test_a_bad_profile_waits_in_quarantine_with_its_bytes_and_the_others_proceed",
        r"assert b'\{.profileI' == b'",
        proof="fuzz",
        points=["1"],
        proven="the same bytes twice",
    ),
    "what is listed with other bytes counts as known": Mutant(
        "sync/changes.py",
        "known.get(element.presumed_id) == element.raw_sha256",
        "element.presumed_id in known",
        "tests/integration/test_landing_counts.py::test_a_few_changed_ones_of_a_long_list_are_landed_together",
        r"assert \(0, 60\) == \(20, 40\)",
    ),
    "half a body is a whole one": Mutant(
        "pitchyou/answers.py",
        "elif self._reading.status and self._until_close:",
        "elif self._reading.status:",
        "tests/unit/test_answers.py::test_what_is_read_is_what_h11_reads",
        r"assert \(200, .* == None",
    ),
    "a standby is asked": Mutant(
        "store/engine.py",
        "CASE WHEN pg_is_in_recovery() THEN pg_current_wal_lsn() END",
        "1",
        "tests/system/test_faults_failover.py::test_a_standby_is_asked_nothing_until_it_is_the_primary",
        "DID NOT RAISE",
    ),
    "confirmed by a list of any age": Mutant(
        "sync/work.py",
        "if age > self.plan.cycle_deadline:",
        "if False:",
        "tests/integration/test_stale_holders.py::"
        "test_a_machine_that_slept_in_the_middle_of_a_cycle_confirms_nothing_by_the_list_from_before",
        "isinstance",
    ),
    "no answer to a confirm counts as one": Mutant(
        "pitchyou/client.py",
        "        self._session.retried(attempt, attempts, until)\n\n    def templates",
        "        try:\n            attempt()\n        except ApiUnavailable:\n            pass\n\n    def templates",
        "tests/integration/test_faults_confirm.py::test_a_confirm_whose_answers_are_all_lost_is_sent_again_by_the_next_cycle",
        "isinstance",
        proof="exchanges",
        points=["11:3:drop_before"],
        proven="served, but never confirmed",
    ),
    "a clock that is set back goes unnoticed": Mutant(
        "daemon.py",
        "            if offset < before - CLOCK_TOLERANCE:",
        "            if False:",
        "tests/system/test_faults_clock.py::test_a_clock_that_is_set_by_a_day_neither_stops_nor_doubles_the_runs[-86400]",
        "assert 2 <= 0",
        proof="longrun",
        points=["set"],
        proven="set by -3600 s",
    ),
}

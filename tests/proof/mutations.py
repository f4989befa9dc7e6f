"""Faults of syncd, a line or two each, and what must notice them: a test of the suite, and often a proof as well.

Each mutant names a function and a piece of its code, or a piece of SQL; `make test` checks that it still finds exactly
one such place. After a refactoring, correct the names here so that the fault stays the same one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.proof.source_edits import Edit, clause, expression, statement


@dataclass(frozen=True)
class Mutant:
    """A fault, the tests that must fail because of it, and what they must say then.

    Args:
        where: the function, as `package.module:Class.method`; for a piece of SQL the module or package, or the path of
            its file.
        message: a regular expression for the error of the test, so that it fails for this fault and no other reason.
        proof: a proof that must notice the fault as well, at one of `points`, with an error like `proof_message`.
    """

    where: str
    edits: Sequence[Edit]
    tests: str
    message: str
    proof: str = ""
    points: Sequence[str] = ()
    proof_message: str = ""


_DURABILITY = (
    "tests/integration/test_durability_order.py::"
    "test_each_file_is_synced_then_named_then_its_folders_are_synced_and_only_then_it_is_confirmed"
)
_LOST_CONFIRM = (
    "tests/integration/test_faults_confirm.py::"
    "test_a_confirm_whose_answers_are_all_lost_is_sent_again_by_the_next_cycle"
)
_REDIRECT = (
    "tests/integration/test_client_origin.py::"
    "test_a_redirect_is_refused_and_its_target_never_hears_of_us[301-confirm]"
)

MUTANTS = {
    "confirm before commit": Mutant(
        "syncd.sync.land:land",
        [
            statement(
                "_land",
                """
                ids = [each.wire_id for each in batch if isinstance(each, Profile)]
                work.api.confirm(ids, work.deadline)
                {statement}
                """,
            )
        ],
        "tests/integration/test_faults_confirm.py::test_what_is_confirmed_is_committed",
        "0 committed rows in ats.application",
    ),
    "confirm before the files are there": Mutant(
        "syncd.store",
        [clause("WHERE m.state IN ('pending', 'rejected')", "WHERE false")],
        "tests/integration/test_faults_media.py::test_nothing_is_confirmed_while_a_file_of_it_is_pending",
        "Extra items in the left set",
    ),
    "confirm before fsync": Mutant(
        "syncd.sync.fetch:_record",
        [
            statement("work.vault.settle(...)"),
            statement(
                "refused = ...",
                """
                {statement}
                from syncd.sync.confirm import confirm_ready
                confirm_ready(work)
                work.vault.settle(work.client_id)
                """,
            ),
        ],
        _DURABILITY,
        r"assert \d+ < \d+",
    ),
    "no fsync of the file": Mutant(
        "syncd.media.incoming:IncomingFile.keep",
        [statement("os.fsync(...)")],
        _DURABILITY,
        "no fsync like .*tmp/acme",
        proof="power",
        points=["ext4:small:11:end"],
        proof_message="is not whole",
    ),
    "no fsync of the folder": Mutant(
        "syncd.media.disk:place",
        [statement("os.fsync(...)")],
        _DURABILITY,
        r"no fsync like .*/media/acme/\S+> behind",
        proof="power",
        points=[f"xfs:small:{seed}:end" for seed in (11, 23, 37)],
        proof_message="is stored, but not there after a power cut",
    ),
    "no fsync of the client's folder": Mutant(
        "syncd.sync.fetch:_record",
        [statement("work.vault.settle(...)")],
        _DURABILITY,
        "no fsync like .*/media/acme> behind",
    ),
    "a link in the media root is followed": Mutant(
        "syncd.media.beneath:Root._inner",
        [expression("_FOLDER | os.O_NOFOLLOW", "_FOLDER")],
        "tests/unit/test_vault_trust.py::test_a_link_in_place_of_a_folder_is_refused_and_nothing_lands_elsewhere",
        "DID NOT RAISE",
    ),
    "a pipe in the media root is read": Mutant(
        "syncd.media.beneath:Root.file",
        [expression("stat.S_ISREG(...)", "True")],
        "tests/unit/test_vault_trust.py::test_what_is_no_file_is_not_read",
        "DID NOT RAISE",
    ),
    "a media root that others can change is used": Mutant(
        "syncd.media.vault:Vault.require_ours",
        [statement("raise MediaStoreFailed(...)")],
        "tests/unit/test_vault_trust.py::test_a_media_root_that_others_can_change_is_refused",
        "DID NOT RAISE",
    ),
    "no check of the size": Mutant(
        "syncd.media.incoming:IncomingFile.keep",
        [expression("self._size != self._length", "False")],
        "tests/unit/test_vault.py::test_what_is_not_whole_or_too_large_leaves_the_file_that_was_there",
        "DID NOT RAISE IncompleteFile",
    ),
    "trust a lost COMMIT": Mutant(
        "syncd.sync.land:land",
        [
            statement(
                "_land",
                """
                def _land(*arguments, _really=globals()["_land"], _results=[]):
                    if not _results:
                        _results.append(_really(*arguments))
                    return _results[0]
                {statement}
                """,
            )
        ],
        "tests/system/test_postgres_outage.py::"
        "test_whichever_commit_or_answer_to_one_is_lost_nothing_is_lost_or_doubled[False]",
        "0 committed rows in ats.application|served, but never confirmed",
        proof="wire",
        points=[f"11:>Q:{number}:before" for number in range(15, 35)],
        proof_message="0 committed rows in ats.application",
    ),
    "ignore the fence": Mutant(
        "syncd.store",
        [
            clause(
                "FROM ops.lease WHERE client_id = :client_id AND fence = :fence",
                "FROM ops.lease WHERE client_id = :client_id",
                several=True,
            )
        ],
        "tests/integration/test_leases.py::test_a_daemon_that_was_frozen_while_another_took_over_writes_nothing_more",
        r"\{'ops.client_state'",
        proof="replicas",
        points=["1"],
        proof_message="written by one while another held the lease",
    ),
    "skip the outbox": Mutant(
        "syncd.store",
        [
            clause(
                "ORDER BY first_seen_at, profile_id LIMIT :limit",
                "AND changed_at > (SELECT max(last_started_at) FROM ops.client_state) "
                "ORDER BY first_seen_at, profile_id LIMIT :limit",
            )
        ],
        _LOST_CONFIRM,
        "assert 0 == 6",
        proof="crash",
        points=[f"11:sendto socket:{number}" for number in range(120, 240, 8)],
        proof_message="was served, but never confirmed",
    ),
    "children are not deleted": Mutant(
        "syncd.store.applications:_prepare_replacement",
        [statement("ids = ...", "ids: list[str] = []")],
        "tests/integration/test_readings_changes.py::test_steps_that_a_new_version_does_not_have_any_more_are_gone",
        r"Left contains \d+ more items",
        proof="model",
        points=["1"],
        proof_message="instead of",
    ),
    "the hash ignores media": Mutant(
        "syncd.pitchyou.json_values:digest",
        [
            expression(
                "_CANONICAL.encode(...)",
                '_CANONICAL.encode({key: value[key] for key in value if key not in ("cv", "profileImage")})',
            )
        ],
        "tests/unit/test_payload_digest.py::test_another_meaning_is_a_change",
        "assert b'.* != b'",
    ),
    "two names that the disk takes for one": Mutant(
        "syncd.media.folding:require_distinct_names",
        [statement("raise MediaStoreFailed(...)")],
        "tests/integration/test_names_on_disk.py::"
        "test_media_root_where_a_twin_of_a_name_answers_is_refused_at_a_clients_first_use",
        "DID NOT RAISE",
    ),
    "a redirect is followed": Mutant(
        "syncd.pitchyou.http:Http.__init__",
        [expression("follow_redirects=False", "follow_redirects=True")],
        _REDIRECT,
        # The target, which nobody should ask, answers with 500.
        "HTTP 500",
    ),
    "a redirect passes for an answer": Mutant(
        "syncd.pitchyou.retry:require_success",
        [expression("200 <= ... < 300", "200 <= response.status < 400")],
        _REDIRECT,
        "DID NOT RAISE",
    ),
    "a 401 is retried again and again": Mutant(
        "syncd.pitchyou.session:Session.authorized",
        [expression("(False, True)", "(*[False] * 20, True)")],
        "tests/integration/test_client_token.py::test_a_401_for_ever_fails_the_cycle_with_a_clear_error_after_two_tries",
        "assert 21 == 2",
    ),
    "a 401 of one file ends the stage": Mutant(
        "syncd.pitchyou.session:Session.authorized",
        [expression("one_item and ...", "False")],
        "tests/integration/test_faults_of_one_item.py::"
        "test_a_401_of_single_files_is_their_own_and_all_other_files_come",
        "index 0 diff: <Outcome.FAILED",
    ),
    "a web page is stored in place of a file": Mutant(
        "syncd.sync.download:download",
        [expression("check=lambda: _require_no_error_message(file, due)", "check=lambda: None")],
        "tests/integration/test_faults_bytes.py::"
        "test_an_error_message_in_place_of_a_file_is_not_the_file_and_is_tried_again",
        "Outcome.OK",
    ),
    "a web page counts as a confirm": Mutant(
        "syncd.pitchyou.client:PitchYou.confirm",
        [statement("require_confirmed(...)")],
        "tests/integration/test_faults_confirm_answers.py::"
        "test_a_confirm_whose_answer_refuses_it_is_halved_and_does_not_count",
        "Outcome.OK",
    ),
    "a file at an unknown place is passed over": Mutant(
        "syncd.pitchyou.payloads:_profile",
        [statement("others = ...", "others: list[dict[str, Json]] = []")],
        "tests/integration/test_readings_fields.py::"
        "test_a_file_at_a_place_that_the_article_does_not_name_is_fetched_before_the_confirm",
        "the attachments of other are not those served|set",
    ),
    "quarantine swallows bytes": Mutant(
        "syncd.store.quarantine",
        [
            expression(
                "(client_id, profile.profile_id, stage, profile.reason, fingerprint, profile.payload)",
                "(client_id, profile.profile_id, stage, profile.reason, fingerprint, profile.payload[:10])",
            ),
            # Otherwise, the next poll would put the right bytes there.
            expression("_digest(profile) != ...", "False"),
        ],
        "tests/integration/test_bad_profiles.py::test_a_bad_profile_waits_in_quarantine_with_its_bytes_and_the_others_proceed",
        r"assert b'\{.profileI' == b'",
        proof="fuzz",
        points=["1"],
        proof_message="the same bytes twice",
    ),
    "what is listed with other bytes counts as known": Mutant(
        "syncd.sync.changes:portions",
        [expression("known.get(...) == element.raw_sha256", "element.presumed_id in known")],
        "tests/integration/test_landing_counts.py::test_a_few_changed_ones_of_a_long_list_are_landed_together",
        r"assert \(0, 60\) == \(20, 40\)",
    ),
    "an unchanged profile is skipped though a version of it waits in quarantine": Mutant(
        "syncd.store.applications",
        [
            clause(
                "AND NOT EXISTS ( SELECT FROM ops.quarantine q WHERE q.client_id = :client_id "
                "AND q.profile_id = a.profile_id AND q.resolved_at IS NULL OFFSET 0 )",
                "",
            )
        ],
        "tests/integration/test_quarantine.py::"
        "test_an_unreadable_version_is_overtaken_when_pitchyou_lists_the_stored_version_again",
        "PARTIAL.* != .*OK",
    ),
    "confirmed by the list of an earlier poll": Mutant(
        "syncd.sync.land:land_listed",
        [statement("work.listed_at = None")],
        "tests/integration/test_newest_list_decides.py::"
        "test_nothing_is_confirmed_by_the_list_of_an_earlier_poll_of_the_same_cycle",
        r"\(1, \[\['without'\], \['with'\]\]\) == ",
    ),
    "a lease is renewed by anybody": Mutant(
        "syncd.store.leases",
        [
            clause(
                "SET expires_at = clock_timestamp() + make_interval(secs => :ttl) "
                "WHERE client_id = :client_id AND fence = :fence AND holder = :holder",
                "SET expires_at = clock_timestamp() + make_interval(secs => :ttl) "
                "WHERE client_id = :client_id AND fence = :fence",
            )
        ],
        "tests/integration/test_stale_holders.py::"
        "test_a_lease_is_renewed_and_released_by_its_own_holder_only",
        "assert not True",
    ),
    "a pair of different ages": Mutant(
        "syncd.sync.pair:mismatch_of",
        [expression("on_disk.token in (known.token, known.next_token)", "True")],
        "tests/integration/test_restored.py::"
        "test_yesterdays_database_is_noticed_at_once_each_lost_application_is_named_and_no_file_is_deleted",
        "returncode=0",
    ),
    "a crash passes for a restore": Mutant(
        "syncd.sync.pair:mismatch_of",
        [expression("(known.token, known.next_token)", "(known.token,)")],
        "tests/integration/test_restored.py::test_a_crash_between_any_two_steps_of_a_new_mark_is_no_restore",
        "assert 4 == 0",
    ),
    "confirm without a new mark": Mutant(
        "syncd.sync.confirm:confirm_ready",
        [statement("change_mark(work)")],
        "tests/integration/test_restored.py::test_a_backup_of_one_change_ago_is_no_crash",
        r"assert 1 == \(1 \+ 1\)",
    ),
    "half a body is a whole one": Mutant(
        "syncd.pitchyou.curl_transport:_Exchange.perform",
        [expression("self._write or not self._response or ...", "not self._response")],
        "tests/integration/test_http_wire.py::test_a_body_ends_where_its_head_says_and_every_truncation_is_refused",
        "DID NOT RAISE",
    ),
    "a standby is asked": Mutant(
        "syncd.store",
        [clause("CASE WHEN pg_is_in_recovery() THEN pg_current_wal_lsn() END", "1")],
        "tests/system/test_faults_failover.py::test_a_standby_is_asked_nothing_until_it_is_the_primary",
        "DID NOT RAISE",
    ),
    "confirmed by a list of any age": Mutant(
        "syncd.sync.work:Work.require_confirmable",
        [statement("raise ListTooOld(...)")],
        "tests/integration/test_stale_holders.py::"
        "test_a_machine_that_slept_in_the_middle_of_a_cycle_confirms_nothing_by_the_list_from_before",
        "isinstance",
    ),
    "no answer to a confirm counts as one": Mutant(
        "syncd.pitchyou.client:PitchYou.confirm",
        [
            statement(
                "self._session.retried(...)",
                """
                try:
                    attempt()
                except Exception:
                    pass
                """,
            )
        ],
        _LOST_CONFIRM,
        "isinstance",
        proof="exchanges",
        points=["11:3:drop_before"],
        proof_message="served, but never confirmed",
    ),
    "a clock that is set back goes unnoticed": Mutant(
        "syncd.daemon:Daemon._watch_the_clock",
        [expression("offset < before - ...", "False")],
        "tests/system/test_faults_clock.py::"
        "test_a_clock_that_is_set_by_a_day_neither_stops_nor_doubles_the_runs[-86400]",
        "assert 2 <= 0",
        proof="longrun",
        points=["set"],
        proof_message="set by -3600 s",
    ),
    "functions are found by the session's own search_path": Mutant(
        "syncd.store.engine",
        [clause("SET LOCAL search_path = pg_catalog, pg_temp;", "")],
        "tests/integration/test_sessions_of_others.py::"
        "test_no_function_or_operator_of_others_is_called_in_place_of_postgres_own",
        r"== \(0, ''\)",
    ),
    "the SQL for roles calls functions of others": Mutant(
        "syncd.store.roles",
        [clause("SET LOCAL search_path = pg_catalog, pg_temp;", "")],
        "tests/integration/test_sessions_of_others.py::"
        "test_the_sql_function_and_the_printed_roles_call_no_function_of_others",
        "the evil twin",
    ),
    "dates are read as a role writes them": Mutant(
        "syncd.store.engine",
        [clause("SET LOCAL datestyle = 'ISO, YMD';", "")],
        "tests/integration/test_sessions_of_others.py::"
        "test_settings_of_a_role_or_a_variable_change_nothing_that_a_command_prints",
        "assert",
    ),
    "a database server is believed without a certificate": Mutant(
        "syncd.settings.libpq:verified",
        [expression("_leads_beyond_this_host(...)", "False")],
        "tests/unit/test_settings_database.py::test_a_server_beyond_this_host_must_prove_who_it_is",
        "KeyError: 'sslmode'",
    ),
    "small cells are left out instead of folded": Mutant(
        "migrations/report_v1/answer_distribution.sql",
        [
            clause(
                "CASE WHEN small > 0 AND (n < 5 OR place <= 2 OR before < 5) THEN '(other)' ELSE option END AS answer",
                "option AS answer",
            )
        ],
        "tests/integration/test_reports_answers.py::"
        "test_answers_to_closed_questions_are_counted_and_small_cells_are_folded",
        "Left contains .* more items",
    ),
    "due is struck off before the row is computed": Mutant(
        "syncd.sync.report:refresh_reports",
        [
            statement(
                "refused = ...",
                """
                strike_off = lambda connection, client_id: connection.execute(
                    report_rows._TAKE, {"client_id": client_id, "ids": due.ids}
                )
                work.store.write(strike_off)
                {statement}
                """,
            )
        ],
        "tests/integration/test_reports_stage.py::"
        "test_a_row_that_postgres_refuses_stays_due_and_others_wait_for_nothing",
        r"assert \(set\(\), ",
    ),
    "a row of the reports is computed without the fence": Mutant(
        "syncd.sync.report:refresh_reports",
        [
            expression(
                "work.store.write(report_rows.refresh, some, work.plan.phone_region)",
                "work.store.read(report_rows.refresh, some, work.plan.phone_region)",
            )
        ],
        "tests/integration/test_reports_stage.py::"
        "test_a_process_that_has_lost_its_lease_writes_no_row_of_the_reports",
        "DID NOT RAISE",
    ),
    "an erased row of the reports keeps the digest of its CV": Mutant(
        "syncd.store.report_erasure",
        [clause("cv_sha256 = NULL,", "")],
        "tests/integration/test_reports_kept.py::"
        "test_what_is_erased_leaves_every_figure_and_nothing_of_the_applicant",
        r"== set\(\)",
    ),
    "the rule overrules an operator's decision on a question": Mutant(
        "syncd.store.report_questions:classify",
        [expression("before is not None and before.decided_by != ...", "False")],
        "tests/integration/test_reports_answers.py::"
        "test_an_operator_decides_otherwise_and_the_rule_leaves_it_so",
        "Führerschein",
    ),
}

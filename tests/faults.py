"""Lists every fault that syncd must withstand, and the tests that make it happen for real.

`tests/unit/test_fault_table.py` checks that these tests exist; docs/reliability.md says what syncd promises.
"""

from __future__ import annotations

from collections.abc import Mapping

FAULTS: Mapping[str, tuple[str, ...]] = {
    "SIGKILL at any moment": (
        "tests/system/test_kill.py::test_killed_at_four_random_moments_nothing_is_lost_confirmed_early_or_left_behind",
        "tests/system/test_kill.py::test_killed_at_a_hundred_random_moments_nothing_is_lost_confirmed_early_or_left_behind",
        "tests/system/test_proof_samples.py::test_killed_at_some_of_its_system_calls_nothing_is_lost",
        "tests/system/test_proof_samples.py::test_killed_at_some_call_a_first_sync_a_migration_and_other_commands_lose_nothing",
        "tests/system/test_proof_samples.py::test_tracer_sees_every_call_that_strace_sees",
    ),
    "power loss": (
        "tests/integration/test_durability_order.py::test_each_file_is_synced_then_named_then_its_folders_are_synced_and_only_then_it_is_confirmed",
        "tests/integration/test_database_faults.py::test_a_session_with_synchronous_commit_off_still_waits_for_the_disk",
        "tests/system/test_postgres_outage.py::test_fsync_off_is_refused_with_exit_code_4",
    ),
    "crash between commit and confirm": (
        "tests/system/test_kill.py::test_killed_between_the_commit_and_the_confirm_it_confirms_after_the_restart",
        "tests/system/test_proof_samples.py::test_killed_at_some_of_its_system_calls_nothing_is_lost",
        "tests/integration/test_faults_confirm.py::test_a_crash_between_the_confirm_and_its_note_only_repeats_the_confirm",
        "tests/system/test_proof_samples.py::test_with_some_http_exchanges_broken_nothing_is_lost",
    ),
    "answer to a confirm lost": (
        "tests/integration/test_faults_confirm.py::test_a_confirm_whose_answer_is_lost_is_sent_again_in_the_same_cycle",
        "tests/integration/test_faults_confirm.py::test_a_confirm_whose_answers_are_all_lost_is_sent_again_by_the_next_cycle",
    ),
    "Postgres stopped": (
        "tests/system/test_postgres_outage.py::test_the_daemon_outlives_three_outages_with_one_line_for_each_and_finishes",
        "tests/system/test_daemon.py::test_a_daemon_that_is_started_before_postgres_waits_and_then_works",
        "tests/integration/test_database_faults.py::test_waiting_for_a_server_that_is_away_ends_with_the_deadline_and_with_a_stop",
    ),
    "Postgres killed": (
        "tests/system/test_postgres_outage.py::test_the_daemon_outlives_three_outages_with_one_line_for_each_and_finishes",
        "tests/system/test_postgres_outage.py::test_the_daemon_outlives_nine_outages_with_one_line_for_each_and_finishes",
        "tests/integration/test_database_faults.py::test_a_cycle_goes_on_when_its_sessions_are_ended_again_and_again",
    ),
    "Postgres failing over": (
        "tests/system/test_faults_failover.py::test_a_failover_in_the_middle_of_the_work_loses_and_doubles_nothing",
        "tests/system/test_faults_failover.py::test_of_two_hosts_the_standby_is_not_taken_for_the_primary_that_is_started_anew",
        "tests/system/test_faults_failover.py::test_a_standby_is_asked_nothing_until_it_is_the_primary",
        "tests/system/test_faults_failover.py::test_behind_pgbouncer_which_remembers_a_standby_a_failover_loses_nothing_and_needs_nobody",
    ),
    "answer to a COMMIT lost": (
        "tests/system/test_postgres_outage.py::test_whichever_commit_or_answer_to_one_is_lost_nothing_is_lost_or_doubled",
        "tests/integration/test_database_faults.py::test_a_commit_of_an_aborted_transaction_is_not_believed",
        "tests/system/test_proof_samples.py::test_with_postgres_cut_off_at_some_of_its_messages_nothing_is_lost",
    ),
    "deadlock": (
        "tests/integration/test_faults_conflicts.py::test_a_cycle_deadlocked_with_another_session_is_the_one_to_give_way_and_finishes",
        "tests/integration/test_database_faults.py::test_a_deadlock_is_retried_and_both_transactions_are_applied_once",
    ),
    "serialization failure": (
        "tests/integration/test_faults_conflicts.py::test_where_the_database_isolates_strictly_each_change_comes_once",
        "tests/integration/test_database_faults.py::test_a_serialization_failure_is_retried",
    ),
    "lock_timeout and statement_timeout": (
        "tests/integration/test_database_faults.py::test_a_timeout_behind_a_lock_is_retried_until_the_lock_is_gone",
        "tests/integration/test_database_faults.py::test_a_lock_that_is_never_given_up_ends_with_a_clear_error",
        "tests/system/test_faults_refusals.py::test_a_table_that_is_locked_for_a_while_is_waited_for",
        "tests/system/test_faults_refusals.py::test_a_table_that_stays_locked_is_told_and_the_work_goes_on_when_it_is_free",
    ),
    "idle_in_transaction_session_timeout": (
        "tests/integration/test_database_faults.py::test_a_session_that_postgres_ended_for_idling_in_a_transaction_is_replaced",
    ),
    "Postgres full": (
        "tests/system/test_faults_postgres_disk.py::test_a_full_disk_under_postgres_stops_confirms_and_mends_itself_when_there_is_room",
        "tests/system/test_faults_postgres_disk.py::test_a_full_disk_under_postgres_is_told_once",
        "tests/system/test_faults_postgres_disk.py::test_a_server_that_ended_because_its_log_had_no_room_is_waited_for",
    ),
    "Postgres read-only": (
        "tests/system/test_postgres_outage.py::test_a_read_only_database_is_one_error_no_confirm_and_mended_by_itself",
        "tests/system/test_postgres_outage.py::test_a_read_only_database_fails_a_sync_with_what_to_do",
        "tests/system/test_faults_failover.py::test_a_failover_in_the_middle_of_the_work_loses_and_doubles_nothing",
    ),
    "Postgres refuses": (
        "tests/system/test_faults_refusals.py::test_a_right_that_was_taken_away_is_told_and_the_work_goes_on_when_it_is_given_back",
        "tests/integration/test_commands_sync.py::test_a_wrong_database_password_is_said_without_being_shown",
    ),
    "a rule of the house in Postgres": (
        "tests/integration/test_rules_of_the_house.py::test_a_profile_that_a_rule_of_the_house_refuses_is_quarantined_alone_with_its_sqlstate",
        "tests/integration/test_rules_of_the_house.py::test_an_index_of_the_house_that_cannot_hold_a_value_costs_one_profile",
        "tests/integration/test_rules_of_the_house.py::test_a_file_that_cannot_be_recorded_waits_and_the_others_of_its_round_are_recorded",
        "tests/integration/test_rules_of_the_house.py::test_a_confirm_that_cannot_be_recorded_is_told_and_the_others_of_its_group_are_recorded",
        "tests/integration/test_rules_of_the_house.py::test_a_statement_that_fails_with_55000_is_no_standby_and_nothing_waits_for_it",
    ),
    "a bug that ends the cycle of one client": (
        "tests/integration/test_commands_sync.py::test_a_cycle_that_crashes_does_not_keep_the_next_client_from_its_cycle",
    ),
    "settings and functions of others in Postgres": (
        "tests/integration/test_sessions_of_others.py::test_settings_of_a_role_or_a_variable_change_nothing_that_a_command_prints",
        "tests/integration/test_sessions_of_others.py::test_no_function_or_operator_of_others_is_called_in_place_of_postgres_own",
        "tests/integration/test_sessions_of_others.py::test_the_sql_function_and_the_printed_roles_call_no_function_of_others",
    ),
    "locks of other sessions": (
        "tests/integration/test_sessions_of_others.py::test_syncd_takes_no_lock_that_another_login_could_take",
    ),
    "a server that answers in place of Postgres": (
        "tests/unit/test_settings_database.py::test_a_server_beyond_this_host_must_prove_who_it_is",
        "tests/integration/test_connecting.py::test_a_server_that_wants_the_password_in_clear_does_not_get_it",
        "tests/integration/test_connecting.py::test_what_keeps_a_server_from_proving_who_it_is_is_named",
    ),
    "media disk full": (
        "tests/integration/test_faults_disk.py::test_a_full_disk_stops_the_download_and_is_finished_when_there_is_room_again",
        "tests/integration/test_faults_disk.py::test_without_room_for_the_list_nothing_of_it_is_landed_and_the_error_names_the_remedy",
        "tests/system/test_faults_media_disk.py::test_a_disk_that_takes_writes_and_fails_at_fsync_is_not_believed",
        "tests/integration/test_faults_disk.py::test_a_disk_full_of_what_an_earlier_process_left_half_done_is_freed_by_the_next",
    ),
    "media disk read-only": (
        "tests/integration/test_faults_disk.py::test_a_read_only_disk_stops_the_download_and_is_finished_when_it_is_writable_again",
        "tests/integration/test_faults_disk.py::test_a_disk_that_turns_read_only_in_mid_load_keeps_what_was_stored",
    ),
    "the path of one file": (
        "tests/integration/test_faults_of_one_path.py::test_a_path_that_cannot_be_used_is_the_error_of_its_file_alone",
        "tests/integration/test_faults_of_one_path.py::test_a_path_longer_than_linux_takes_in_one_call_is_stored_name_by_name",
        "tests/integration/test_faults_of_one_path.py::test_a_file_larger_than_the_file_system_takes_is_its_own_error_alone",
        "tests/integration/test_faults_of_one_path.py::test_a_clients_folder_that_takes_no_file_ends_the_stage_at_once",
        "tests/integration/test_faults_of_one_path.py::test_a_file_that_cannot_be_removed_does_not_keep_the_others_on_disk",
    ),
    "EIO at fsync": (
        "tests/system/test_faults_media_disk.py::test_eio_at_an_fsync_confirms_nothing_of_it_and_the_next_sync_brings_it_again",
        "tests/unit/test_vault.py::test_after_a_failed_fsync_the_file_is_not_believed",
        "tests/integration/test_fetch_counts.py::test_after_a_failed_fsync_of_the_clients_folder_nothing_in_hand_is_believed",
    ),
    "media disk not mounted": (
        "tests/integration/test_files_that_vanish.py::test_a_media_root_that_is_not_mounted_is_said_and_nothing_is_done_about_its_files",
        "tests/integration/test_files_that_vanish.py::test_while_the_media_root_is_not_mounted_nothing_is_confirmed_whose_files_are_on_it",
        "tests/integration/test_files_that_vanish.py::test_files_that_are_back_after_a_repair_missed_them_are_stored_again_and_not_asked_for",
        "tests/integration/test_files_that_vanish.py::test_a_damaged_file_stays_when_pitchyou_has_no_other",
        "tests/integration/test_files_that_vanish.py::test_a_file_is_not_given_up_when_the_disk_goes_right_before",
    ),
    "media root that folds names": (
        "tests/integration/test_names_on_disk.py::test_exfat_folds_case_and_is_refused_before_a_file_is_overwritten",
        "tests/integration/test_names_on_disk.py::test_media_root_where_a_twin_of_a_name_answers_is_refused_at_a_clients_first_use",
    ),
    "media disk dies": (
        "tests/system/test_faults_media_disk.py::test_a_media_disk_that_dies_is_a_clear_error_until_it_is_back",
    ),
    "401, token expired in mid-cycle": (
        "tests/integration/test_client_token.py::test_one_401_in_mid_cycle_costs_one_refresh_and_one_retry",
        "tests/integration/test_client_token.py::test_sixteen_threads_with_a_refused_token_refresh_it_once_together",
        "tests/integration/test_client_token.py::test_a_401_for_ever_fails_the_cycle_with_a_clear_error_after_two_tries",
        "tests/integration/test_client_token.py::test_a_token_that_is_revoked_in_mid_cycle_is_replaced",
    ),
    "401 of one file or of one id": (
        "tests/integration/test_faults_of_one_item.py::test_a_401_of_single_files_is_their_own_and_all_other_files_come",
        "tests/integration/test_faults_of_one_item.py::test_a_401_of_one_id_is_found_by_halving_and_the_others_are_confirmed",
        "tests/integration/test_faults_of_one_item.py::test_a_401_of_every_file_ends_the_stage_after_a_bounded_number_of_requests",
    ),
    "403 or 404 on the list": (
        "tests/integration/test_faults_list.py::test_nothing_is_landed_or_confirmed_and_the_next_cycle_is_fine_after_any_wrong_list",
        "tests/integration/test_faults_list.py::test_a_list_that_fails_does_not_hold_up_files_and_confirms_nothing_that_may_have_changed",
        "tests/integration/test_commands_sync.py::test_one_client_that_fails_does_not_keep_the_other_from_its_cycle",
    ),
    "429 and 5xx": (
        "tests/integration/test_faults_list.py::test_retry_after_is_obeyed_in_seconds_and_as_a_date",
        "tests/integration/test_faults_list.py::test_retry_after_is_capped_and_nonsense_in_it_is_ignored",
        "tests/unit/test_retry.py::test_waits_double_up_to_their_cap_and_the_jitter_takes_a_share_of_each",
        "tests/integration/test_faults_media.py::test_with_the_media_endpoint_down_the_text_is_landed_and_the_cycle_stops_asking",
        "tests/integration/test_faults_confirm.py::test_with_the_confirm_endpoint_down_everything_is_landed_and_asked_for_a_bounded_number_of_times",
        "tests/integration/test_faults_of_one_item.py::test_an_id_whose_confirm_gets_no_answer_is_found_by_halving_and_the_others_are_confirmed",
    ),
    "latency": (
        "tests/system/test_faults_network.py::test_latency_to_postgres_and_to_pitchyou_costs_time_and_nothing_else",
    ),
    "network stands still": (
        "tests/system/test_faults_network.py::test_a_way_to_postgres_that_stands_still_is_waited_for",
        "tests/integration/test_client_transport.py::test_the_deadline_ends_an_exchange_in_the_middle",
        "tests/system/test_daemon.py::test_a_cycle_that_hangs_is_ended_by_its_deadline_and_the_next_one_works",
        "tests/system/test_daemon.py::test_a_client_that_hangs_does_not_delay_the_others",
    ),
    "one byte per second, headers that never end": (
        "tests/integration/test_client_transport.py::test_an_answer_that_drips_for_ever_is_ended_by_its_own_limits",
        "tests/integration/test_stalled_endpoints.py::test_confirm_endpoint_that_drips_for_ever_does_not_keep_new_applications_from_landing",
        "tests/integration/test_nothing_holds_up_the_rest.py::test_slow_files_go_behind_the_others_instead_of_being_first_for_ever",
    ),
    "compressed bomb": (
        "tests/system/test_memory.py::test_peak_memory_stays_under_128_mb_with_a_bomb_and_with_a_body_that_never_ends",
        "tests/unit/test_spool_intake.py::test_a_bomb_meets_the_limit_and_not_the_memory",
        "tests/integration/test_faults_list.py::test_nothing_is_landed_or_confirmed_and_the_next_cycle_is_fine_after_any_wrong_list",
        "tests/integration/test_faults_media.py::test_each_broken_file_holds_up_its_own_profile_alone_and_comes_when_it_is_mended",
    ),
    "endless body": (
        "tests/unit/test_spool_intake.py::test_an_endless_list_is_left_at_the_limit",
        "tests/system/test_memory.py::test_peak_memory_stays_under_128_mb_with_a_bomb_and_with_a_body_that_never_ends",
        "tests/unit/test_vault.py::test_an_endless_file_is_left_at_the_limit",
        "tests/integration/test_faults_media_content.py::test_a_file_over_the_cap_is_rejected_and_stored_once_the_cap_is_raised",
    ),
    "a list over max_response_bytes": (
        "tests/integration/test_faults_list.py::test_a_list_longer_than_the_limit_by_its_own_announcement_is_not_waited_for",
        "tests/system/test_memory.py::test_peak_memory_of_a_sync_stays_under_128_mb_with_2000_profiles_in_one_answer",
    ),
    "nesting beyond 100 levels": (
        "tests/integration/test_faults_list.py::test_100_000_nested_arrays_are_one_bad_profile",
        "tests/unit/test_spool.py::test_too_deep_nesting_is_noticed_without_decoding",
    ),
    "truncated JSON, HTML with status 200, an object for an array, trailing bytes": (
        "tests/integration/test_faults_list.py::test_nothing_is_landed_or_confirmed_and_the_next_cycle_is_fine_after_any_wrong_list",
        "tests/unit/test_spool.py::test_a_list_cut_off_anywhere_is_refused",
    ),
    "204 or a page instead of the list": (
        "tests/integration/test_odd_lists.py::test_204_is_an_empty_list_and_what_came_late_is_confirmed",
        "tests/integration/test_odd_lists.py::test_a_page_of_the_list_is_landed_and_the_cycle_is_partial_and_says_so",
        "tests/integration/test_odd_lists.py::test_an_empty_body_under_any_other_status_is_no_list",
    ),
    "an error message with HTTP 200 in place of a file": (
        "tests/integration/test_faults_bytes.py::test_an_error_message_in_place_of_a_file_is_not_the_file_and_is_tried_again",
        "tests/integration/test_faults_bytes.py::test_a_file_that_may_be_what_it_is_called_is_stored",
    ),
    "a page or a refusal with HTTP 200 in place of a confirm": (
        "tests/integration/test_faults_confirm_answers.py::test_a_confirm_whose_answer_refuses_it_is_halved_and_does_not_count",
        "tests/integration/test_faults_confirm_answers.py::test_a_refusal_of_single_ids_in_the_body_leaves_only_these_unconfirmed",
        "tests/integration/test_faults_confirm_answers.py::test_an_answer_that_says_nothing_against_a_confirm_counts",
    ),
    "a file at a place that the article does not name": (
        "tests/integration/test_readings_fields.py::test_a_file_at_a_place_that_the_article_does_not_name_is_fetched_before_the_confirm",
        "tests/integration/test_readings_fields.py::test_a_file_at_another_place_whose_id_cannot_be_read_is_not_passed_over",
    ),
    "one bad profile among good ones": (
        "tests/integration/test_bad_profiles.py::test_a_bad_profile_waits_in_quarantine_with_its_bytes_and_the_others_proceed",
        "tests/integration/test_bad_profiles.py::test_nul_and_lone_surrogates_are_cleaned_and_the_profile_is_landed",
        "tests/integration/test_quarantine.py::test_what_only_postgres_refuses_is_quarantined_alone",
    ),
    "a profile or list of a hostile shape": (
        "tests/unit/test_json_budget.py::test_no_shape_takes_more_steps_than_its_length_allows",
        "tests/unit/test_json_budget.py::test_whoever_waits_is_asked_once_for_each_window_and_may_end_it",
        "tests/unit/test_json_budget.py::test_profile_that_holds_too_much_is_bad_with_its_id_and_all_of_its_bytes",
        "tests/system/test_memory.py::test_no_shape_of_a_profile_takes_64_mb_more",
    ),
    "a field that is new in each answer": (
        "tests/integration/test_what_changes_each_time.py::test_unreadable_profile_with_a_changing_field_has_one_entry_with_the_newest_bytes",
        "tests/integration/test_what_changes_each_time.py::test_applications_that_only_change_are_polled_for_once_told_once_and_their_payloads_bounded",
    ),
    "no temporary space, no threads, no open files": (
        "tests/integration/test_shortages.py::test_without_room_for_a_list_the_files_of_earlier_ones_still_come",
        "tests/integration/test_shortages.py::test_without_more_threads_all_is_stored_one_after_the_other",
        "tests/integration/test_shortages.py::test_with_few_open_files_fewer_downloads_run_at_a_time",
    ),
    "the same profileId twice in one answer": (
        "tests/integration/test_quarantine.py::test_of_a_profile_id_given_twice_in_one_answer_the_last_wins_in_every_cycle",
    ),
    "ids that differ in their JSON type": (
        "tests/integration/test_odd_ids.py::test_of_two_ids_that_differ_in_their_json_type_one_is_stored_and_the_other_kept_in_quarantine",
        "tests/integration/test_odd_ids.py::test_a_twin_that_comes_later_neither_replaces_the_stored_one_nor_keeps_it_from_being_confirmed",
    ),
    "media short, empty, over the cap, of another type": (
        "tests/integration/test_faults_media.py::test_each_broken_file_holds_up_its_own_profile_alone_and_comes_when_it_is_mended",
        "tests/integration/test_faults_media_content.py::test_an_empty_file_is_stored_when_content_length_says_so",
        "tests/integration/test_faults_bytes.py::test_an_empty_file_is_stored_if_its_end_is_certain",
        "tests/integration/test_faults_bytes.py::test_an_empty_file_whose_end_is_not_certain_is_fetched_again",
        "tests/integration/test_faults_media_content.py::test_a_file_over_the_cap_is_rejected_and_stored_once_the_cap_is_raised",
        "tests/integration/test_faults_media_content.py::test_a_file_of_another_type_than_told_is_stored_and_its_real_type_recorded",
    ),
    "media root that others can change, or that they have put something into": (
        "tests/unit/test_vault_trust.py::test_a_media_root_that_others_can_change_is_refused",
        "tests/unit/test_vault_trust.py::test_a_link_in_place_of_a_folder_is_refused_and_nothing_lands_elsewhere",
        "tests/unit/test_vault_trust.py::test_what_is_no_file_is_not_read",
        "tests/integration/test_media_root_of_others.py::test_nothing_is_confirmed_whose_file_a_planted_link_leads_elsewhere",
        "tests/integration/test_check_is_the_truth.py::test_a_media_root_that_takes_no_file_fails_in_check_and_in_a_cycle",
    ),
    "configuration, secret or CA file that others can change": (
        "tests/unit/test_trust.py::test_a_configuration_that_others_can_change_is_refused_with_its_mode_and_the_remedy",
        "tests/unit/test_trust.py::test_a_folder_above_the_configuration_that_others_can_change_is_refused",
        "tests/unit/test_settings_secrets.py::test_a_secret_that_every_user_may_use_is_refused",
    ),
    "hostile file name or id": (
        "tests/integration/test_hostile_names.py::test_hostile_file_names_are_kept_as_text_and_used_for_nothing",
        "tests/integration/test_hostile_names.py::test_hostile_ids_make_one_file_each_two_folders_below_the_media_root",
    ),
    "redirect": (
        "tests/integration/test_client_origin.py::test_a_redirect_is_refused_and_its_target_never_hears_of_us",
        "tests/integration/test_odd_redirects_and_secrets.py::test_a_file_that_is_redirected_is_left_at_pitchyou_with_a_warning_and_holds_up_no_other",
        "tests/integration/test_client_origin.py::test_the_token_goes_to_the_configured_origin_and_the_secret_to_its_token_endpoint_alone",
    ),
    "TLS with a wrong certificate": (
        "tests/integration/test_client_origin.py::test_tls_fails_closed_and_a_private_ca_can_be_configured",
        "tests/integration/test_connections.py::test_tls_is_read_like_all_else_and_only_from_the_host_that_was_asked_for",
    ),
    "a database that is older than its media root": (
        "tests/integration/test_restored.py::test_yesterdays_database_is_noticed_at_once_each_lost_application_is_named_and_no_file_is_deleted",
        "tests/integration/test_restored.py::test_a_crash_between_any_two_steps_of_a_new_mark_is_no_restore",
        "tests/system/test_proof_samples.py::test_killed_between_the_steps_of_a_new_mark_the_next_cycle_takes_it_for_no_restore",
        "tests/system/test_pages.py::test_backup",
        "tests/integration/test_two_stores_one_disk.py::test_repair_with_a_database_of_yesterday_deletes_no_file_and_says_where_each_one_is",
        "tests/integration/test_two_stores_one_disk.py::test_repair_that_was_killed_between_the_two_names_finishes_the_move",
    ),
    "a media root that is older than its database": (
        "tests/integration/test_restored.py::test_a_disk_from_a_backup_is_noticed_and_names_the_applications_whose_files_are_missing",
    ),
    "the media root of another store": (
        "tests/integration/test_restored.py::test_a_copy_for_staging_touches_no_file_of_production",
        "tests/integration/test_restored.py::test_a_copy_that_kept_the_id_is_noticed_by_the_other_one",
        "tests/integration/test_two_stores_one_disk.py::test_repair_keeps_the_file_of_another_store_that_it_replaces",
    ),
    "two servers, one client": (
        "tests/integration/test_two_servers.py::test_another_server_with_the_same_ids_is_refused_and_nothing_of_it_is_stored",
        "tests/integration/test_two_servers.py::test_command_accepts_the_server_of_a_tenant_that_moved",
    ),
    "two replicas at once": (
        "tests/integration/test_leases.py::test_each_client_is_synced_by_one_of_two_daemons_only",
        "tests/integration/test_leases.py::test_a_daemon_that_is_killed_is_taken_over_at_once_on_the_same_machine",
    ),
    "a replica frozen and revived": (
        "tests/integration/test_leases.py::test_a_daemon_that_was_frozen_while_another_took_over_writes_nothing_more",
        "tests/integration/test_nothing_holds_up_the_rest.py::test_process_that_lost_its_lease_removes_no_file_of_its_successor",
        "tests/integration/test_stale_holders.py::test_nothing_is_asked_or_confirmed_again_after_the_lease_was_lost_between_two_tries",
        "tests/integration/test_stale_holders.py::test_a_lease_that_has_run_out_is_taken_though_its_holder_stands_still_in_the_middle_of_a_copy",
    ),
    "SIGTERM at each stage": (
        "tests/system/test_daemon_stop.py::test_a_stop_at_any_stage_ends_in_time_with_code_0_and_loses_nothing",
        "tests/system/test_daemon_stop.py::test_a_daemon_that_waits_for_postgres_can_be_stopped",
        "tests/system/test_daemon_stop.py::test_a_step_that_does_not_end_is_given_up_in_time",
    ),
    "PID 1": ("tests/system/test_daemon_stop.py::test_process_1_reacts_to_signals",),
    "clock jumps": (
        "tests/integration/test_clock_set_right.py::test_what_was_put_off_by_a_clock_a_month_ahead_is_tried_again_when_it_has_been_set_right",
        "tests/system/test_faults_clock.py::test_a_clock_that_is_set_by_a_day_neither_stops_nor_doubles_the_runs",
        "tests/system/test_faults_clock.py::test_a_daily_run_that_a_clock_set_forward_has_passed_is_made_up_for",
        "tests/integration/test_nothing_holds_up_the_rest.py::test_clock_that_is_set_back_does_not_stop_the_schedule",
        "tests/integration/test_stale_holders.py::test_a_machine_that_slept_in_the_middle_of_a_cycle_confirms_nothing_by_the_list_from_before",
    ),
    "both switches of daylight saving time": (
        "tests/system/test_faults_clock.py::test_at_a_switch_of_daylight_saving_time_a_daily_run_comes_once",
        "tests/unit/test_triggers.py::test_a_change_of_the_clocks_neither_skips_nor_doubles_a_run",
    ),
    "output full, closed or in another encoding": (
        "tests/integration/test_commands_output.py::test_a_link_that_could_not_be_printed_is_stored_and_said",
        "tests/integration/test_commands_output.py::test_a_chat_that_could_not_be_printed_is_recorded_and_said",
        "tests/integration/test_commands_output.py::test_with_closed_output_no_chat_is_opened_and_a_sync_says_so",
        "tests/integration/test_commands_output.py::test_what_a_terminal_cannot_show_is_escaped",
    ),
    "a job list that a spreadsheet has damaged": (
        "tests/integration/test_jobs_whole_list.py::test_a_reference_that_a_spreadsheet_has_changed_is_noted_by_its_line",
        "tests/integration/test_jobs_whole_list.py::test_what_a_complete_list_closes_is_named_in_a_dry_run_too",
        "tests/unit/test_csv_files.py::test_a_quoted_cell_may_hold_lines_delimiters_and_quotes",
    ),
    "applicants' text in logs and errors": (
        "tests/system/test_log_canaries.py::test_no_canary_in_the_daemons_log_nor_in_postgres_log_whatever_goes_wrong",
        "tests/system/test_log_canaries.py::test_no_canary_in_what_the_commands_print_at_level_debug",
        "tests/system/test_log_canaries.py::test_what_postgres_tells_of_a_row_is_not_passed_on",
    ),
    "something stands still": (
        "tests/system/test_stalled.py::test_a_postgres_that_stands_still_is_found",
        "tests/system/test_stalled.py::test_a_media_disk_that_stands_still_is_found",
        "tests/system/test_stalled.py::test_a_thread_that_never_returns_is_found",
    ),
    "SIGHUP, and another configuration": (
        "tests/system/test_reload.py::test_clients_come_change_and_go_while_cycles_run",
        "tests/system/test_reload.py::test_a_faulty_file_changes_nothing_and_what_needs_a_restart_is_named",
    ),
    "rotated secrets and passwords": (
        "tests/system/test_reload.py::test_a_rotated_secret_and_a_rotated_password_fail_no_cycle",
    ),
}

"""Stage 4: brings the rows of the reports up to date. It reads the list of what is due from the database."""

from syncd.store import report_questions, report_rows
from syncd.sync.narrowing import write_narrowed
from syncd.sync.work import Work

BATCH = 500  # applications to bring up to date in one transaction
# Seconds for which one cycle works at this. After an upgrade or a change of the time zone, all applications are due, and
# the next cycles go on, so that new applications need not wait.
SHARE = 40.0


def refresh_reports(work: Work) -> None:
    """Brings the due rows up to date, batch by batch. Nothing that is confirmed depends on it.

    A row that Postgres refuses, for example by a rule of yours, stays due; the cycle reports it at its end.
    """
    share = work.deadline.within(SHARE)
    after, more = "", True
    while more and share.remaining() > 0:
        due = work.store.read(report_rows.due, after, BATCH)
        if due.questions_are_stale and not after:
            # Reports can do without a new decision.
            with work.outlast():
                work.store.write(report_questions.classify)
        refused = write_narrowed(
            due.ids, lambda some: work.store.write(report_rows.refresh, some, work.plan.phone_region)
        )
        work.troubles += [error for _, error in refused]
        more = len(due.ids) == BATCH
        after = due.ids[-1] if more else after
        work.deadline.check()

"""`syncd questions`: which questions of the interviews reports may count."""

import json
from functools import partial

import click

from syncd.cli.account import account
from syncd.cli.clients import chosen_clients, one_client
from syncd.cli.context import Globals, client_option, json_option, one_client_option, pass_globals
from syncd.cli.database import database_of, require_ready
from syncd.deadline import Deadline
from syncd.errors import BadInput
from syncd.shown import printable, quoted
from syncd.signals import stop_on_signals
from syncd.store import report_questions
from syncd.store.report_questions import Question

_QUESTION = click.argument("question")


@click.group()
def questions() -> None:
    """List the interviews' questions, and decide which of them reports may count.

    Reports count answers to closed questions only: those that many applicants answer with the same few answers. syncd
    decides that once a day. An answer to an open question may say who somebody is, and is in no report.
    """


@questions.command("list")
@client_option
@json_option
@pass_globals
def list_questions(context: Globals, client_id: str | None, as_json: bool) -> None:
    """List the questions, whether each is open or closed, and why."""
    settings = context.settings(need_media=False)
    chosen = chosen_clients(settings, client_id)
    deadline = Deadline(60, stop=stop_on_signals())
    with database_of(settings) as database:
        require_ready(database)
        found = [
            question
            for client in chosen
            for question in database.transact(
                partial(report_questions.questions, client_id=client.client_id), deadline
            )
        ]
    if as_json:
        click.echo(json.dumps({"questions": [_as_json(question) for question in found]}, ensure_ascii=False))
        return
    if not found:
        click.echo("No questions yet. A cycle looks at them once applications have come.")
    for question in found:
        decided = "" if question.decided_by == "rule" else f" (decided by {printable(question.decided_by)})"
        state = "closed" if question.is_closed else "open  "
        click.echo(
            f"{question.client_id}  {state}  {quoted(question.question, 80)}: {question.reason}{decided}"
        )


@questions.command("close")
@_QUESTION
@one_client_option
@json_option
@pass_globals
def close_question(context: Globals, question: str, client_id: str | None, as_json: bool) -> None:
    """Let reports count the answers to QUESTION, whatever the rule says.

    QUESTION is the text of the question, as `questions list` shows it. Answers that fewer than five applicants gave stay
    hidden. Make sure that no answer says who somebody is. The decision and your account are recorded.
    """
    _decide(context, question, client_id, as_json, is_closed=True)


@questions.command("open")
@_QUESTION
@one_client_option
@json_option
@pass_globals
def open_question(context: Globals, question: str, client_id: str | None, as_json: bool) -> None:
    """Keep the answers to QUESTION out of all reports, whatever the rule says.

    QUESTION is the text of the question, as `questions list` shows it. What was counted is deleted. The decision and your
    account are recorded.
    """
    _decide(context, question, client_id, as_json, is_closed=False)


def _decide(context: Globals, text: str, client_id: str | None, as_json: bool, *, is_closed: bool) -> None:
    settings = context.settings(need_media=False)
    client = one_client(settings, client_id)
    deadline = Deadline(60, stop=stop_on_signals())
    decision = Question(client.client_id, text, is_closed, "as an operator has decided", account())
    with database_of(settings) as database:
        require_ready(database)
        if not database.transact(lambda c: report_questions.overrule(c, decision), deadline):
            raise BadInput(
                f"client {client.client_id} has no question {quoted(text, 80)}. See `syncd questions list`."
            )
        if is_closed:
            database.transact(lambda c: report_questions.count_all(c, client.client_id, [text]), deadline)
    if as_json:
        click.echo(json.dumps(_as_json(decision), ensure_ascii=False))
    elif is_closed:
        click.echo(f"{client.client_id}: the next cycle counts the answers to {quoted(text, 80)}.")
    else:
        click.echo(f"{client.client_id}: no report counts the answers to {quoted(text, 80)}.")


def _as_json(question: Question) -> dict[str, object]:
    return {
        "client_id": question.client_id,
        "question": question.question,
        "closed": question.is_closed,
        "reason": question.reason,
        "decided_by": question.decided_by,
    }

"""The page of a chat (contract S3.2): its people, its messages so far, and a form for the next one."""

from typing import TYPE_CHECKING

from syncd.sandbox.api.chats import Chat
from syncd.sandbox.api.replies import Reply
from syncd.sandbox.ledger import ChatMessage
from syncd.sandbox.pages.apply_link import BadLink, form_fields
from syncd.sandbox.pages.frame import page, refusal, see_other, spoken

if TYPE_CHECKING:
    from syncd.sandbox.api.endpoints import Call, World

PREFIX = "/chat/"


def answer(world: "World", call: "Call") -> Reply:
    """Shows the chat of the token for GET; for POST, sends a message and redirects to the chat."""
    chat = world.chats.find(call.path.removeprefix(PREFIX))
    if chat is None:
        return refusal(404, "Diesen Chat gibt es nicht. Jeder Chat braucht ein neues Token.")
    if call.method == "GET":
        # Any ATS may show the chat in an iframe; that is its purpose.
        return page("Chat", _body(world, chat), framed_by="*")
    try:
        text = form_fields(call.body).get("message", "").strip()
    except BadLink as error:
        return refusal(error.status, str(error))
    if text:
        world.ledger.add_message(ChatMessage(chat.client, chat.profile_id, chat.recruiter, text))
    return see_other(call.path)


def _body(world: "World", chat: Chat) -> str:
    sent = [
        f"<li><strong>{_sender(message.recruiter)}:</strong> {spoken(message.text)}</li>"
        for message in world.ledger.messages_to(chat.client, chat.profile_id)
    ]
    return "\n".join(
        [
            f"<p>{_sender(chat.recruiter)} schreibt an {spoken(_first_name(world, chat))}.</p>",
            *(["<ol>", *sent, "</ol>"] if sent else ["<p>Noch keine Nachrichten.</p>"]),
            '<form method="post"><label for="message">Deine Nachricht</label>',
            '<textarea id="message" name="message" rows="3" required></textarea>',
            '<button type="submit">Senden</button></form>',
        ]
    )


def _sender(recruiter: str | None) -> str:
    return spoken(recruiter or "Das Recruiting-Team")


def _first_name(world: "World", chat: Chat) -> str:
    population = world.populations[chat.client]
    entry = population.find_text(chat.profile_id)[-1]
    name = (population.at(entry, entry.version) or {}).get("firstName")
    return name if isinstance(name, str) and name else "eine Bewerberin oder einen Bewerber"

"""The interview behind an apply link, as a single form, and the resulting profile (S1.2, S2.1)."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote
from zoneinfo import ZoneInfo

from syncd.sandbox.api.replies import Reply
from syncd.sandbox.content import vocabulary
from syncd.sandbox.content.profiles import Profile, as_text, seeded
from syncd.sandbox.pages.apply_link import ApplyLink, BadLink, form_fields, read_link, tenant_of
from syncd.sandbox.pages.frame import page, refusal, see_other, spoken

if TYPE_CHECKING:
    from syncd.sandbox.api.endpoints import Call, World

THANKS = "/danke"
PROFILE_HEADER = "X-Sandbox-Profile"  # the percent-encoded id of the new profile, for the sender of the form

# Name of the field, question, type of the input, value that the browser may fill in.
_ASKED = (
    ("firstName", "Wie heißt du mit Vornamen?", "text", "given-name"),
    ("lastName", "Und mit Nachnamen?", "text", "family-name"),
    ("phone", "Unter welcher Nummer können wir dich erreichen?", "tel", "tel"),
    ("email", "Wie lautet deine E-Mail-Adresse?", "email", "email"),
)
_MANDATORY = ("firstName", "lastName")


def answer(world: "World", call: "Call") -> Reply:
    """Shows the interview of an apply link for GET; for POST, adds the resulting profile and answers 303."""
    client = tenant_of(call.headers.get("Host"), world.populations)
    try:
        link = read_link(call.path, call.query)
        if link.template_key is not None and not world.templates[client].has(link.template_key):
            raise BadLink(404, "Dieses Interview gibt es nicht oder nicht mehr.")
        if call.method == "GET":
            return page("Deine Bewerbung", _form(link))
        given = form_fields(call.body)
        if not all(given.get(name) for name in _MANDATORY):
            raise BadLink(422, "Bitte gib deinen Vornamen und deinen Nachnamen an.")
    except BadLink as error:
        return refusal(error.status, str(error))
    profile = _profile(link, given, as_texts=world.config.answer_kinds == "text")
    profile_id = world.populations[client].take_in(profile, with_cv="cv" in given)
    world.ledger.add_interview(client)
    return see_other(THANKS, {PROFILE_HEADER: quote(str(profile_id), safe="")})


def thanks() -> Reply:
    """Returns the page after an interview. It holds no personal data, so it can be kept, shared and reloaded."""
    return page(
        "Danke für deine Bewerbung", "<p>Sie ist angekommen. Wir melden uns bei dir per WhatsApp.</p>"
    )


def _form(link: ApplyLink) -> str:
    lines = ['<form method="post">']
    if link.title:
        lines.append(f"<p>Du bewirbst dich als {spoken(link.title)} – stimmt das?</p>")
        lines.append(_checkbox("confirmed", "Ja, das stimmt"))
    for name, question, kind, filled in _ASKED:
        required = " required" if name in _MANDATORY else ""
        box = f'<input id="{name}" name="{name}" type="{kind}" autocomplete="{filled}"{required}>'
        lines.append(f'<label for="{name}">{question}</label>{box}')
    lines.append(
        f'<label for="free">{_free_question(link)}</label><textarea id="free" name="free" rows="4"></textarea>'
    )
    lines.append(_checkbox("cv", "Lebenslauf mitschicken"))
    lines.append('<button type="submit">Bewerbung abschicken</button>\n</form>')
    return "\n".join(lines)


def _checkbox(name: str, label: str) -> str:
    return f'<label for="{name}"><input id="{name}" name="{name}" type="checkbox"> {label}</label>'


def _free_question(link: ApplyLink) -> str:
    """Returns the last question, which depends on the template."""
    return seeded("question", link.template_key).choice(vocabulary.FREE_QUESTIONS)[0]


def _profile(link: ApplyLink, given: Mapping[str, str], *, as_texts: bool) -> Profile:
    """Builds the ProfileDto, without its id and files."""
    right: object = "confirmed" in given
    said = [(question, given.get(name, ""), "text") for name, question, _, _ in _ASKED]
    said.append((_free_question(link), given.get("free", ""), "freetext"))
    steps: list[Profile] = [
        {"question": question, "answer": text, "type": kind} for question, text, kind in said
    ]
    if link.title:
        question = f"Du bewirbst dich als {link.title} – stimmt das?"
        steps.insert(
            0, {"question": question, "answer": as_text(right) if as_texts else right, "type": "confirm"}
        )
    # Naive and local, like the timestamps of generated applications.
    now = datetime.now(ZoneInfo("Europe/Berlin")).replace(tzinfo=None)
    return {
        "createdAt": now.isoformat(timespec="seconds"),
        **{name: given.get(name) or None for name, *_ in _ASKED},
        "language": "de",
        "externalReferenceId": link.reference,
        "jobTemplateKey": link.template_key,
        "utmSource": link.utm_source,
        "utmMedium": link.utm_medium,
        "utmCampaign": link.utm_campaign,
        "utmContent": link.utm_content,
        "steps": steps,
    }

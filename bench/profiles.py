"""Made-up profiles, the same for the same number: about 3.2 KB, 10 steps and 1.7 media files each."""

import hashlib
import json
from collections.abc import Iterator

STEPS = 10
_QUESTIONS = (
    "Wie heißt du?",
    "Unter welcher E-Mail-Adresse erreichen wir dich?",
    "Hast du eine abgeschlossene Berufsausbildung?",
    "Wie viele Jahre Berufserfahrung bringst du mit?",
    "Ab wann könntest du bei uns anfangen?",
    "Welche Arbeitszeiten passen dir am besten?",
    "Wie bist du auf uns aufmerksam geworden?",
    "Was ist dir bei deinem nächsten Arbeitgeber besonders wichtig?",
    "Möchtest du uns deinen Lebenslauf schicken?",
    "Gibt es noch etwas, das wir wissen sollten?",
)
_WORDS = [
    "gerne",
    "Schicht",
    "Führerschein",
    "Ausbildung",
    "Pflege",
    "Lager",
    "Team",
    "Verantwortung",
    "Wochenende",
    "Vollzeit",
    "Teilzeit",
    "sofort",
    "Erfahrung",
    "Kollegen",
    "pünktlich",
    "Deutsch",
    "Englisch",
    "Software",
    "Kunden",
    "Verkauf",
    "Montage",
    "Büro",
    "Nähe",
    "Entwicklung",
]
_SOURCES = ("indeed", "stepstone", "facebook", "karriereseite", "plakat", None)
FILE_TYPES = ("application/pdf", "image/jpeg")


def identifier(number: int) -> str:
    """Return the profileId: a random UUID, so that profiles listed together are far apart in every index."""
    return _uuid(f"profile {number}")


def media_ids(number: int) -> list[str]:
    """Return the files of a profile: always one, and a second one for seven in ten profiles."""
    return [_uuid(f"media {number} {place}") for place in range(2 if number % 10 < 7 else 1)]


def profile(number: int, version: int = 0, files: int | None = None) -> bytes:
    """Return one element of the list as UTF-8 JSON.

    Args:
        version: another one gives other answers.
        files: how many media files, where not 1.7 in the mean.
    """
    digest = hashlib.sha256(f"{number} {version}".encode()).digest()
    media = [_media(number, place, media_id) for place, media_id in enumerate(media_ids(number)[:files])]
    value = {
        "profileId": identifier(number),
        "externalReferenceId": f"job-{digest[0]}",
        "jobTemplateKey": f"template-{digest[1] % 8}",
        "utmSource": _SOURCES[digest[2] % len(_SOURCES)],
        "utmMedium": "cpc",
        "utmCampaign": f"herbst-{digest[3] % 4}",
        "utmContent": None,
        "createdAt": f"2026-{1 + digest[4] % 12:02}-{1 + digest[5] % 28:02}T{digest[6] % 24:02}:{digest[7] % 60:02}:00Z",
        "language": "de",
        "firstName": f"Vorname{digest[8]}",
        "lastName": f"Nachname{number}",
        "email": f"bewerbung{number}@example.org",
        "phone": f"+49151{number:08}",
        "steps": [_step(digest, step, media[1:] if step == STEPS - 2 else []) for step in range(STEPS)],
        "cv": media[0] if media else None,
        "profileImage": None,
    }
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def profiles(numbers: range, *, changed: bool = False, files: int | None = None) -> Iterator[bytes]:
    """Yield the elements of a whole list. With `changed`, one in a hundred has different answers."""
    for number in numbers:
        yield profile(number, int(changed and number % 100 == 0), files)


def _step(digest: bytes, step: int, attachments: list[dict[str, object]]) -> dict[str, object]:
    words = [_WORDS[digest[(step + place) % 32] % len(_WORDS)] for place in range(8 + digest[step] % 12)]
    return {
        "stepId": f"step-{step}-{digest[step + 10]:02x}",
        "type": "text",
        "question": _QUESTIONS[step],
        "answer": " ".join(words),
        "attachments": attachments,
    }


def _media(number: int, place: int, media_id: str) -> dict[str, object]:
    return {
        "mediaId": media_id,
        "mimeType": FILE_TYPES[place],
        "fileName": f"Lebenslauf {number}.pdf" if place == 0 else f"IMG_{number}.jpg",
        "downloadUri": f"https://media.example.org/{media_id}?signature={_uuid(f'signature {number} {place}')}",
    }


def _uuid(text: str) -> str:
    hexadecimal = hashlib.sha256(text.encode()).hexdigest()
    return "-".join(
        (hexadecimal[:8], hexadecimal[8:12], hexadecimal[12:16], hexadecimal[16:20], hexadecimal[20:32])
    )

"""Generates applications like those of real interviews (contract S2.1); the same seed gives the same applications."""

import json
import random
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

from syncd.sandbox.config import SandboxConfig
from syncd.sandbox.content import vocabulary as words

ProfileId = str | int
Profile = dict[str, Any]

# Each answer replaces it, so that signed addresses differ in every answer.
SIGNATURE_MARK = "SANDBOX-SIGNATURE"
_LAST_DAY = datetime(2026, 11, 1)  # noqa: DTZ001 - PitchYou's timestamps are taken to be naive Europe/Berlin


def seeded(*parts: object) -> random.Random:
    """Returns a random generator that depends only on the parts."""
    digest = blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return random.Random(int.from_bytes(digest))  # noqa: S311 - content for tests, not a secret


def share_of(*parts: object) -> float:
    """Returns a number from 0 to 1 that depends only on the parts; it decides which files belong to a share."""
    digest = blake2b("\x1f".join(map(str, parts)).encode(), digest_size=7).digest()
    return int.from_bytes(digest) / 2**56


def profile_id(config: SandboxConfig, index: int) -> ProfileId:
    """Returns the id of the profile with this index. All clients have the same ids."""
    return _identifier(config, "Bewerbung", "P", 100_000 + index, f"profile/{config.seed}/{index}")


def media_id(config: SandboxConfig, index: int, number: int) -> ProfileId:
    """Returns the id of the media file with this number of a profile."""
    return _identifier(
        config, "Datei", "M", 5_000_000 + index * 20 + number, f"media/{config.seed}/{index}/{number}"
    )


def _identifier(config: SandboxConfig, noun: str, letter: str, number: int, key: str) -> ProfileId:
    if config.id_type == "integer":
        return number
    digest = blake2b(key.encode(), digest_size=16).digest()
    if config.id_type == "guid":
        return str(uuid.UUID(bytes=digest, version=4))
    if config.id_type == "reserved":
        return f"{noun} {number}/ü?a=1&b#{digest[:2].hex()}%2F+"
    return f"{letter}-{number}-{digest[:3].hex()}"


def build_profile(config: SandboxConfig, client_id: str, index: int, base_url: str) -> Profile:
    """Generates the client's profile with this index, as a ProfileDto (about 3.2 KB of JSON)."""
    rng = seeded(config.seed, client_id, index)
    job = rng.choice(words.JOBS)
    first, last = rng.choice(words.FIRST_NAMES), rng.choice(words.LAST_NAMES)
    source, medium, campaign, content = rng.choice(words.SOURCES)
    applied = _LAST_DAY - timedelta(days=rng.randrange(120))
    applied += timedelta(hours=rng.randrange(6, 23), minutes=rng.randrange(60), seconds=rng.randrange(60))
    profile: Profile = {
        "profileId": profile_id(config, index),
        "createdAt": applied.isoformat(),
        "firstName": first,
        "lastName": last,
        "email": _address(first, last, index),
        "phone": f"+49 15{rng.randrange(1, 8)} {rng.randrange(10**7, 10**8)}",
        "language": rng.choice(words.LANGUAGES),
        "externalReferenceId": job.reference,
        "jobTemplateKey": job.template_key,
        "utmSource": source,
        "utmMedium": medium,
        "utmCampaign": campaign,
        "utmContent": content,
        "steps": _steps(config, rng, job, f"{first} {last}"),
    }
    if rng.random() < 0.06:
        del profile["externalReferenceId"]
    _add_media(config, rng, profile, index, base_url)
    return profile


def _address(first: str, last: str, index: int) -> str:
    folded = f"{first}.{last}".translate(str.maketrans("äöüßÄÖÜ", "aousAOU"))
    plain = "".join(letter for letter in folded if letter.isascii() and letter != " ")
    return f"{plain.lower()}{index}@example.org"


def _steps(config: SandboxConfig, rng: random.Random, job: words.Job, name: str) -> list[Profile]:
    closed: list[tuple[str, object, str]] = [
        (f"Du bewirbst dich als {job.title} – stimmt das?", True, "confirm"),
        ("Wie heißt du mit vollem Namen?", name, "text"),
        ("In welchen Schichten kannst du arbeiten?", rng.sample(words.SHIFTS, rng.randrange(1, 4)), "choice"),
        ("Wie viele Stunden pro Woche möchtest du arbeiten?", rng.choice((20, 30, 35, 38.5, 40)), "number"),
        ("Welche Führerscheine hast du?", rng.choice((None, "B", ["B", "C1", "CE"])), "choice"),
        ("Ab wann könntest du anfangen?", {"from": "2027-01-01", "flexible": rng.random() < 0.5}, "date"),
    ]
    steps = [{"question": text, "answer": answer, "type": kind} for text, answer, kind in closed]
    facts = {"place": rng.choice(words.PLACES), "trade": job.trade, "years": str(rng.randrange(2, 19))}
    for text, topic in rng.sample(words.FREE_QUESTIONS, rng.randrange(4, 7)):
        pool = words.SENTENCES[topic]
        count = min(len(pool), rng.choice((1, 2, 3, 4, 4)))
        answer = " ".join(sentence.format_map(facts) for sentence in rng.sample(pool, count))
        steps.append({"question": text, "answer": answer, "type": "freetext"})
    if config.answer_kinds == "text":
        for step in steps:
            step["answer"] = as_text(step["answer"])
    return steps


def as_text(answer: object) -> str:
    """Converts an answer of any JSON type to a string, for the reading in which answers are always text."""
    if isinstance(answer, str):
        return answer
    if isinstance(answer, bool):
        return "Ja" if answer else "Nein"
    if isinstance(answer, list):
        return ", ".join(map(str, answer))
    return "" if answer is None else json.dumps(answer, ensure_ascii=False)


def _add_media(config: SandboxConfig, rng: random.Random, profile: Profile, index: int, base: str) -> None:
    whole = int(config.media_per_profile)
    count = whole + (rng.random() < config.media_per_profile - whole)
    if whole >= 1:
        count += rng.choice((-1, 0, 0, 1))  # the mean stays, and some applicants send nothing
    last = profile["lastName"]
    plans = [
        ("cv", "application/pdf", f"Lebenslauf {last}.pdf"),
        ("profileImage", "image/jpeg", f"IMG-20261030-WA{index % 10000:04d}.jpg"),
        ("step", "application/pdf", f"Zeugnisse_{last} (gescannt) 📄.pdf"),
        ("step", "image/jpeg", "Führerschein.jpg"),
        ("step", "video/mp4", f"Vorstellung {profile['firstName']}.mp4"),
    ]
    rng.shuffle(plans)
    for number in range(count):
        role, mime_type, file_name = (
            plans[number] if number < 5 else ("step", "image/jpeg", f"Foto {number}.jpg")
        )
        entry = media_entry(config, profile["profileId"], media_id(config, index, number), base)
        attach(config, profile, role, {"mimeType": mime_type, "fileName": file_name, **entry}, rng)
    if "cv" not in profile and rng.random() < 0.5:
        profile["cv"] = [] if config.media_fields == "array" else None
    elif profile.get("cv") and rng.random() < 0.03:
        cv = profile["cv"]  # the same file named in a second place
        attach(config, profile, "step", dict(cv[0] if isinstance(cv, list) else cv), rng)


def attach_cv(config: SandboxConfig, profile: Profile, index: int, base_url: str) -> None:
    """Adds a CV to a profile from an interview."""
    named = {"mimeType": "application/pdf", "fileName": f"Lebenslauf {profile['lastName']}.pdf"}
    entry = media_entry(config, profile["profileId"], media_id(config, index, 0), base_url)
    attach(config, profile, "cv", {**named, **entry}, seeded())


def media_entry(config: SandboxConfig, profile: ProfileId, media: ProfileId, base_url: str) -> Profile:
    """Returns `mediaId` and `downloadUri` of one file, as the options `download_uri` and `signed_uris` demand."""
    path = f"/api/media/v1/download/{quote(str(profile), safe='')}/{quote(str(media), safe='')}"
    uri = {
        "documented": path,
        "absolute": base_url + path,
        "elsewhere": f"https://files.pitchyou.example/{quote(str(media), safe='')}",
    }[config.download_uri]
    return {"mediaId": media, "downloadUri": uri + (f"?sig={SIGNATURE_MARK}" if config.signed_uris else "")}


def attach(config: SandboxConfig, profile: Profile, role: str, entry: Profile, rng: random.Random) -> None:
    """Adds a media entry to `cv`, to `profileImage` or to the `attachments` of a step, depending on its role."""
    if role == "step":
        step = rng.choice(profile["steps"])
        step.setdefault("attachments", []).append(entry)
    elif config.media_fields == "array":
        profile.setdefault(role, []).append(entry)
    else:
        profile[role] = entry


def attachments(profile: Mapping[str, Any]) -> Iterator[tuple[str, int | None, Profile]]:
    """Yields every media entry of a profile as (role, step number or None, entry), in the profile's order.

    Objects with a `mediaId` at places that the article does not name come last, with the role `other`, unless they repeat
    a file.
    """
    named = set()
    for role, number, entry in _known_attachments(profile):
        named.add(str(entry["mediaId"]))
        yield role, number, entry
    for entry in _with_media_id(profile):
        if entry["mediaId"] not in (None, "") and str(entry["mediaId"]) not in named:
            yield "other", None, entry


def _with_media_id(value: Any) -> Iterator[Profile]:
    """Yields all objects with a `mediaId`, inner ones first."""
    children = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for child in children:
        yield from _with_media_id(child)
    if isinstance(value, Mapping) and "mediaId" in value:
        yield dict(value)


def _known_attachments(profile: Mapping[str, Any]) -> Iterator[tuple[str, int | None, Profile]]:
    for key, role in (("cv", "cv"), ("profileImage", "profile_image")):
        value = profile.get(key)
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, dict) and "mediaId" in entry:
                yield role, None, entry
    steps = profile.get("steps")
    for number, step in enumerate(steps if isinstance(steps, list) else []):
        held = step.get("attachments") if isinstance(step, dict) else None
        for entry in held if isinstance(held, list) else [held]:
            if isinstance(entry, dict) and "mediaId" in entry:
                yield "step", number, entry


def without_addresses(value: Any) -> Any:
    """Returns the value without any `downloadUri`: what two answers with the same version have in common."""
    if isinstance(value, dict):
        return {key: without_addresses(held) for key, held in value.items() if key != "downloadUri"}
    if isinstance(value, list):
        return [without_addresses(held) for held in value]
    return value

"""The sandbox's applications: reproducible, of real size, each file different."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from syncd.sandbox.config import SandboxConfig
from syncd.sandbox.content.media_files import file_bytes
from syncd.sandbox.content.profiles import ProfileId, attachments, build_profile


def profiles(config: SandboxConfig, count: int, client: str = "acme") -> list[dict[str, Any]]:
    return [build_profile(config, client, index, "http://sandbox") for index in range(count)]


def files(config: SandboxConfig, count: int) -> Iterator[tuple[str, bytes]]:
    for profile in profiles(config, count):
        for _, _, entry in attachments(profile):
            key = f"{profile['profileId']}/{entry['mediaId']}"
            yield entry["mimeType"], file_bytes(profile, entry, key, config.media_size)


def test_the_same_seed_makes_the_same_applications_and_another_seed_others() -> None:
    assert profiles(SandboxConfig(seed=7), 20) == profiles(SandboxConfig(seed=7), 20)
    assert profiles(SandboxConfig(seed=7), 20) != profiles(SandboxConfig(seed=8), 20)


def test_two_tenants_share_ids_but_not_content() -> None:
    ours, theirs = profiles(SandboxConfig(), 20), profiles(SandboxConfig(), 20, "other")
    assert [profile["profileId"] for profile in ours] == [profile["profileId"] for profile in theirs]
    assert all(one["steps"] != other["steps"] for one, other in zip(ours, theirs, strict=True))


def test_an_application_has_the_size_and_the_answers_of_a_real_one() -> None:
    made = profiles(SandboxConfig(), 300)
    sizes = [len(json.dumps(profile, ensure_ascii=False).encode()) for profile in made]
    assert 2_700 < sum(sizes) / len(sizes) < 3_700
    assert all(8 <= len(profile["steps"]) <= 12 for profile in made)
    kinds = {type(step["answer"]) for profile in made for step in profile["steps"]}
    assert kinds == {str, bool, int, float, list, dict, type(None)}
    assert 0 < sum("externalReferenceId" not in profile for profile in made) < 60


def test_answers_can_be_text_only() -> None:
    made = profiles(SandboxConfig(answer_kinds="text"), 100)
    assert {type(step["answer"]) for profile in made for step in profile["steps"]} == {str}


@pytest.mark.parametrize(
    ("id_type", "kind"), [("string", str), ("integer", int), ("guid", str), ("reserved", str)]
)
def test_ids_are_unique_and_of_the_chosen_kind(id_type: Any, kind: type[ProfileId]) -> None:
    made = profiles(SandboxConfig(id_type=id_type), 200)
    assert len({profile["profileId"] for profile in made}) == 200
    assert {type(profile["profileId"]) for profile in made} == {kind}
    assert {type(entry["mediaId"]) for profile in made for _, _, entry in attachments(profile)} == {kind}


def test_media_per_profile_is_the_mean_and_some_applicants_send_nothing() -> None:
    counts = [
        len({entry["mediaId"] for _, _, entry in attachments(profile)})
        for profile in profiles(SandboxConfig(media_per_profile=1.6), 1000)
    ]
    assert 1.45 < sum(counts) / len(counts) < 1.75
    assert 0 in counts


def test_every_file_is_of_the_kind_it_says_and_unlike_any_other() -> None:
    made = list(files(SandboxConfig(), 150))
    magic = {
        "application/pdf": (0, b"%PDF-1.4"),
        "image/jpeg": (0, b"\xff\xd8\xff"),
        "video/mp4": (4, b"ftyp"),
    }
    for mime_type, body in made:
        offset, start = magic[mime_type]
        assert body[offset:].startswith(start)
    assert {mime_type for mime_type, _ in made} == set(magic)
    distinct = {body for _, body in made}
    twice = sum(
        len(list(attachments(profile))) - len({entry["mediaId"] for _, _, entry in attachments(profile)})
        for profile in profiles(SandboxConfig(), 150)
    )
    assert len(distinct) == len(made) - twice


@pytest.mark.parametrize("size", [60_001, 200_000])
def test_media_size_pads_every_file_to_exactly_this(size: int) -> None:
    assert {len(body) for _, body in files(SandboxConfig(media_size=size), 40)} == {size}


def test_a_pdf_names_the_right_offset_for_each_object() -> None:
    bodies = [body for mime_type, body in files(SandboxConfig(media_size=9_999), 40) if "pdf" in mime_type]
    for body in bodies:
        start = int(body.rstrip().rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
        rows = body[start:].split(b"\n")[3:9]
        for number, row in enumerate(rows, start=1):
            assert body[int(row[:10]) :].startswith(b"%d 0 obj" % number)


def test_a_wrong_switch_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(ValueError, match="after_confirm must be one of leave, stay, once"):
        SandboxConfig(after_confirm="never")  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(ValueError, match="media_gone is a share"):
        SandboxConfig(media_gone=2)

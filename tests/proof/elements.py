"""Builds elements of a list answer with hypothesis: from the grammar of JSON, and from the contract with wrong fields."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeAlias

from hypothesis import HealthCheck, Phase, given, reject, seed, settings
from hypothesis import strategies as st

from tests.proof.grammar import GRAMMAR, NUMBER, SOUND, STRINGS, VALUES, written_out

Tree: TypeAlias = "bytes | list[Tree] | dict[str, Tree]"
Place: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True)
class Element:
    """An element. `tame`: a profile that is odd only where the contract allows anything, so syncd must store it."""

    payload: bytes
    tame: bool = False


def elements(number: int, count: int) -> list[Element]:
    """Returns this number of elements, the same ones for the same seed. No two have the same meaning."""
    made: list[Element] = []
    meanings: set[str] = set()

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(ELEMENT)
    def collect(element: Element) -> None:
        payload = written_out(element.payload, len(made))
        if meaning(payload) in meanings:
            reject()
        meanings.add(meaning(payload))
        made.append(Element(payload, element.tame))

    collect()
    return made


def meaning(payload: bytes) -> str:
    """Returns the value without `downloadUri`. Two spellings with the same value share one entry in quarantine."""
    try:
        value = json.loads(payload.decode(), object_pairs_hook=_without_addresses)
        return json.dumps(value, sort_keys=True)
    except (ValueError, RecursionError):
        return repr(payload.strip(b" \t\r\n"))


def _without_addresses(pairs: list[tuple[str, Any]]) -> Any:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key twice")
    return {key: value for key, value in pairs if key != "downloadUri"}


# The contract (S2.1): a profile, with every field wrong in every way.

_STEP: Place = ("steps", 0)
_FILE: Place = ("steps", 1, "attachments", 0)
# Places where the contract allows any value.
_ANYTHING: list[Place] = [
    *[(key,) for key in ("firstName", "lastName", "email", "phone", "language", "createdAt", "x", "")],
    *[(*_STEP, key) for key in ("question", "answer", "type", "x", "")],
]
_LINKED: list[Place] = [
    (key,)
    for key in (
        *("externalReferenceId", "jobTemplateKey"),
        *("utmSource", "utmMedium", "utmCampaign", "utmContent"),
    )
]
_IDS: list[Place] = [("profileId",), ("cv", "mediaId"), (*_FILE, "mediaId")]
_FILES: list[Place] = [("cv",), ("profileImage",), (*_STEP, "attachments"), _FILE]
_OF_FILES: list[Place] = [
    (*file, key) for file in (("cv",), _FILE) for key in ("mimeType", "fileName", "downloadUri")
]
_SHAPES: list[Place] = [("steps",), _STEP, ("steps", 1)]


def _plain() -> Tree:
    return {
        "profileId": b'"c-%b"' % NUMBER,
        "externalReferenceId": b'"job-7"',
        "utmSource": b'"indeed"',
        "firstName": b'"Zo\\u00eb"',
        "createdAt": b'"2026-03-29T02:30:00"',
        "language": b'"de"',
        "steps": [
            {"question": b'"Warum?"', "answer": b'"Darum."', "type": b'"freetext"'},
            {"question": b'"Wann?"', "answer": b"[1, null, true]"},
        ],
    }


def _with_files() -> Tree:
    profile = _plain()
    assert isinstance(profile, dict)
    assert isinstance(profile["steps"], list)
    assert isinstance(profile["steps"][1], dict)
    profile["cv"] = _file(b"cv")
    profile["steps"][1]["attachments"] = [_file(b"zeugnis"), _file(b"cv")]
    return profile


def _file(name: bytes) -> Tree:
    return {
        "mediaId": b'"%b"' % name,
        "mimeType": b'"application/pdf"',
        "fileName": b'"%b.pdf"' % name,
        "downloadUri": b'"/api/media/v1/download/c-%b/%b"' % (NUMBER, name),
    }


_BASES = st.sampled_from([_plain] * 7 + [_with_files])
_BAD_IDS = st.sampled_from(
    [
        *(b'"."', b'".."', b'"../../etc/passwd"', b'"a/b"', b'"a b"', b'" "', b'"%2F"', b'"a?b#c"', b'"CON"', b'"a\\\\b"'),
        *('"ü"'.encode(), '"\U0001f600"'.encode(), b'"\\u202e"', b'"\\n"', b'"null"', b'"a\\"b"', b'"\x7f"', b'"\\ufffd"'),
        *(b'"~i*512~"', b'"~i*513~"', '"~\U0001f600*128~"'.encode(), b'"x-%b"' % NUMBER),
        *(b"-%b" % NUMBER, b"1%b" % NUMBER, b"-0", b"~9*512~", b"~9*513~", b"~9*4400~", b"1.0", b"1e5", b"1E400"),
        *(b"null", b"true", b'""', b"[]", b"{}", b'["a"]', b'{"a":1}', b'{"$oid":"5f"}'),
        *(b'"again-%d"' % each for each in (1, 1, 1, 2, 2, 3, 4)),
    ]
)  # fmt: skip
_BAD_TIMES = st.sampled_from(
    [
        *(b'"2026-02-30"', b'"2026-13-01T00:00:00"', b'"24:00"', b'"2026-03-29T02:30:00"', b'"2026-10-25T02:30:00"', b'""'),
        *(b'"0001-01-01T00:00:00+14:00"', b'"9999-12-31T23:59:59-12:00"', b'"9999-12-31T23:59:59.999999999Z"', b'"now"'),
        *(b'"2026-01-01T00:00:00+24:00"', b'"2026-01-01T00:00:00+23:59:59.999999"', b'"2026-06-30T23:59:60Z"', b'"-1"'),
        *(b'"1700000000"', b"1700000000", b"1700000000.5", b"-1", b"99999999999999999999", b'"20260101"', b'"2026-W01-1"'),
        *(b'"infinity"', b'"-infinity"', b'"epoch"', b'"2026-01-01 00:00 BC"', b'"01.02.2026"', b'"/Date(17000000)/"'),
        *('"２０２６-01-01"'.encode(), b'"2026-01-01T00:00:00\\u0000"', b'"2026-01-01T24:00:00"', b'{"$date":1}', b"[2026,1,1]"),
    ]
)  # fmt: skip
_BAD_FILES = st.sampled_from(
    [
        *(b"{}", b"[]", b"[{}]", b"[null]", b"[[]]", b'"m"', b"7", b"true", b'["m"]', b'{"fileName":"a.pdf"}', b"[null,{}]"),
        *(b'{"mediaId":"m"}', b'{"mediaId":7,"fileName":"7.pdf"}', b'[{"mediaId":"m"},{"mediaId":"m","mimeType":"a/b"}]'),
        *(b'{"mediaId":"m","mimeType":null,"fileName":"\\u0000","downloadUri":7}', b'{"mediaId":"m","x":[[[1]]]}'),
        *(b'{"mediaId":".."}', b'{"mediaId":"../m"}', b'{"mediaId":"a\\u0000"}', b'[{"mediaId":"m"},"m"]', b'{"mediaId":1.5}'),
    ]
)  # fmt: skip
_BAD_SHAPES = st.sampled_from(
    [
        *(b"{}", b"[]", b"[[]]", b"[{}]", b"[{},{}]", b"[null]", b"[1]", b'"text"', b'{"question":"?"}', b"[~{},*999~{}]"),
        b'[{"question":"?","question":"?"}]',
    ]
)  # fmt: skip
# Places, values for them in addition to arbitrary ones, and whether syncd must accept any valid JSON there.
_WRONGS: list[tuple[list[Place], st.SearchStrategy[bytes], bool]] = [
    (_ANYTHING, SOUND, True),
    (_ANYTHING, STRINGS, True),
    ([("createdAt",)], _BAD_TIMES, True),
    (_ANYTHING + _LINKED + _OF_FILES, VALUES, False),
    (_LINKED + _OF_FILES, STRINGS | SOUND, False),
    (_IDS, _BAD_IDS, False),
    (_IDS + _SHAPES, VALUES, False),
    (_FILES, _BAD_FILES | VALUES, False),
    (_SHAPES, _BAD_SHAPES, False),
]
_TAME, _ANY = (
    [st.tuples(st.sampled_from(places), values) for places, values, is_tame in _WRONGS if is_tame or not tame]
    for tame in (True, False)
)
_HOW = st.sampled_from(["put"] * 8 + ["twice", "missing", "missing"])
_SPELLINGS = st.sampled_from([(b",", b":")] * 5 + [(b" ,\n", b" : "), (b",\r\n\t", b":")])


@st.composite
def _wronged(draw: st.DrawFn) -> Element:
    tame = draw(st.integers(0, 3)) == 0
    profile = draw(_BASES)()
    for _ in range(draw(st.sampled_from([1, 1, 2, 3]))):
        place, value = draw(st.one_of(_TAME if tame else _ANY))
        how = "put" if tame else draw(_HOW)
        _spoil(profile, place, value, how)
    return Element(_written(profile, *draw(_SPELLINGS)), tame)


def _spoil(profile: Tree, place: Place, value: bytes, how: str) -> None:
    """Sets a value, adds it a second time, or removes it. Does nothing if an earlier change has removed the place."""
    holder: Any = profile
    for step in place[:-1]:
        holder = holder.get(step) if isinstance(holder, dict) else _at(holder, step)
    last = place[-1]
    if not isinstance(holder, dict) and _at(holder, last) is None:
        return
    if how == "missing":
        holder.pop(last, None) if isinstance(holder, dict) else holder.pop(last)
    elif how == "twice" and isinstance(holder, dict) and last in holder:
        holder[last] = _written(holder[last], b",", b":") + b"," + json.dumps(last).encode() + b":" + value
    else:
        holder[last] = value


def _at(holder: Any, step: Any) -> Any:
    return holder[step] if isinstance(holder, list) and step < len(holder) else None


def _written(tree: Tree, between: bytes, colon: bytes) -> bytes:
    if isinstance(tree, bytes):
        return tree
    if isinstance(tree, list):
        return b"[" + between.join(_written(each, between, colon) for each in tree) + b"]"
    pairs = (json.dumps(key).encode() + colon + _written(each, between, colon) for key, each in tree.items())
    return b"{" + between.join(pairs) + b"}"


ELEMENT = GRAMMAR.map(Element) | _wronged() | _wronged()

"""Builds JSON from its grammar with hypothesis, and almost-JSON.

Even in invalid elements, quotes and brackets come in pairs, and no comma stands outside of them. So the array around an
element can still be split; a broken array is a different fault.
"""

from __future__ import annotations

import json
import re

from hypothesis import strategies as st

NUMBER = b"~N~"  # a placeholder for a number that is unique in the batch
_MANY = re.compile(
    rb"~([^~]+)\*(\d+)~"
)  # long values have a short notation until the end, since hypothesis keeps copies


def written_out(element: bytes, number: int) -> bytes:
    """Returns the element's real bytes."""
    return _MANY.sub(lambda many: many[1] * int(many[2]), element).replace(NUMBER, b"%d" % number)


_TEXTS: list[bytes | str] = [
    *(rb"\u0000", rb"\ud800", rb"\udfff\ud800", rb"\ud83d\ude00", rb"\u0000\udc00", rb"\uFFFF", rb"\ufffe"),
    *(rb"\"", rb"\\", rb"\/", rb"\b\f\n\r\t", rb"\\u0000", rb"\\\\\"", b"[", b"]", b"{", b"}", b",", b":", b"/"),
    *(rb"\x41", rb"\u12", rb"\u", rb"\uD8", rb"\a", rb"\'", rb"\0", rb"\U0001F600", b"\\\n", b"\\\xff"),
    *(b"\x00", b"\n", b"\t", b"\x1f", b"\x7f", b"\x80", b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80"),
    *("ä", "Zoë", "\u2028", "\u202e", "\ufeff", "\U0001f4c4", "e\u0301", "\ufffd", "\U0010ffff", "\x85"),
    *(b"'; DROP TABLE ats.application; --", b"<script>", b"%s%n", b"{{7*7}}", b"\\\\N", b"../../etc/passwd", b"null"),
    *(b"~x*1100~", "~語*400~", b"~y*70000~"),
]  # fmt: skip
_PIECES = st.sampled_from([each.encode() if isinstance(each, str) else each for each in _TEXTS])
_FREE = st.text(max_size=5).map(lambda text: json.dumps(text, ensure_ascii=False).encode()[1:-1])
STRINGS = st.lists(_PIECES | _FREE, max_size=3).map(lambda pieces: b'"' + b"".join(pieces) + b'"')

_NUMBERS = [
    *(b"0", b"-0", b"-1", b"1.0", b"1e5", b"-0.0", b"1E+2", b"9007199254740993", b"18446744073709551616"),
    *(b"1e308", b"1e309", b"-1e999", b"1e-400", b"5e-324", b"123456789012345678901234567890.1234567890"),
    *(b"~7*4300~", b"~7*4301~", b"-~7*4300~", b"0.~3*5000~", b"1e99999999999", b"1~0*400~"),
    *(b"01", b"-01", b"1.", b".5", b"+1", b"- 1", b"1e", b"1e+", b"0x1F", b"1_000", b"1 000", b"--1", b"0b1", b"1.2.3"),
    *(b"NaN", b"-NaN", b"Infinity", b"-Infinity", b"nan", b"inf", "\uff11".encode(), b"\xd9\xa1"),
]  # fmt: skip
_WORDS = [
    *(b"true", b"false", b"null", b"True", b"None", b"nul", b"undefined", b"truefalse", b"'single'", b"word", b"\\", b"\x00"),
    *(b"/* note */ 1", b"1 // note", b"# note\n1", b"\xef\xbb\xbf1", b"\x0b1", b"\xc2\xa01", b"\x0c", b"<p>", b"=", b":"),
]  # fmt: skip
SCALARS = (
    STRINGS | st.sampled_from(_NUMBERS) | st.sampled_from(_WORDS) | st.integers().map(lambda n: b"%d" % n)
)
SOUND = st.one_of(
    st.text(max_size=6).map(lambda text: json.dumps(text).encode()),
    st.sampled_from(
        [b"true", b"false", b"null", b"0", b"-1", b"1.5", b'""', b"[]", b"{}", b'"\\u0000"', b'"\\ud800"']
    ),
)
_DEPTHS = st.sampled_from([6, 7, 90, 96, 97, 98, 99, 100, 101, 150, 1100, 3000])
_DEEP = st.builds(
    lambda depth, pair, inner: b"~%b*%d~%b~%b*%d~" % (pair[0], depth, inner, pair[1], depth),
    _DEPTHS,
    st.sampled_from([(b"[", b"]"), (b'{"a":', b"}"), (b"[0,", b"]")]),
    SCALARS,
)
_ARRAYS = [(b"[", b",", b"]")] * 6 + [
    *(
        (b"[ ", b" ,\n", b"\t]"),
        (b"[", b",", b",]"),
        (b"[,", b",", b"]"),
        (b"[", b",,", b"]"),
        (b"[", b" ", b"]"),
    ),
    *((b"[", b",", b"}"), (b"[", b";", b"]"), (b"[", b":", b"]"), (b"[\xc2\xa0", b",", b"]")),
]
_OBJECTS = [(b"{", b":", b",", b"}")] * 6 + [
    *((b"{ ", b" :\n", b" ,\t", b"\r\n}"), (b"{", b":", b",", b",}"), (b"{", b":", b",,", b"}"), (b"{", b" ", b",", b"}")),
    *((b"{", b"=", b",", b"}"), (b"{", b":", b" ", b"}"), (b"{", b":", b",", b"]"), (b"{", b"::", b",", b"}"), (b"{", b",", b",", b"}")),
]  # fmt: skip
_KEYS = st.sampled_from(
    [b'"a"', b'"a"', b'"b"', b'"\\u0061"', b'""', b'"\\u0000"', b"a", b"'a'", b"1", b"null", b"[]", b'"profileId"', b'"cv"']
)  # fmt: skip


def _containers(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    pairs = st.lists(st.tuples(_KEYS, inner), max_size=3)
    return st.builds(_array, st.sampled_from(_ARRAYS), st.lists(inner, max_size=3)) | st.builds(
        _object, st.sampled_from(_OBJECTS), pairs
    )


def _array(style: tuple[bytes, bytes, bytes], held: list[bytes]) -> bytes:
    start, between, end = style
    return start + between.join(held) + end


def _object(style: tuple[bytes, bytes, bytes, bytes], held: list[tuple[bytes, bytes]]) -> bytes:
    start, colon, between, end = style
    return start + between.join(key + colon + value for key, value in held) + end


_SHALLOW = _containers(SCALARS)
VALUES = SCALARS | _SHALLOW | _containers(SCALARS | _SHALLOW) | _DEEP

_ID = b'"profileId":"g-' + NUMBER + b'"'
_FRAMES = st.sampled_from(
    [
        *[b"{" + _ID + b',"steps":[{"question":"?","answer":%b}]}'] * 3,
        *[b"{" + _ID + b',"x":%b}', b'{"x":%b,' + _ID + b"}", b"{" + _ID + b',"steps":[%b]}'],
        *[b"%b", b"\n %b\t", b"{" + _ID + b"%b}", b"{" + _ID + b"}%b", b"%b{" + _ID + b"}", b"{%b," + _ID + b"}"],
        # Listed several times; the last one counts.
        *[b'{"profileId":"again-%d","x":[%b,' % (number, NUMBER) + b"%b]}" for number in (1, 2)],
        # Names another profile inside; only a parser that can read the element knows which profile it is.
        b'{"x":{"profileId":"again-1"},"y":%b,' + _ID + b"}",
    ]
)  # fmt: skip
GRAMMAR = st.builds(lambda frame, value: frame % value, _FRAMES, VALUES)

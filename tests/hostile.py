"""Texts that would do harm in code that forgets to escape, cut or strip them. Each must be harmless everywhere."""

TEXTS = {
    "script": "<script>alert(1)</script>",
    "attribute": "\"><img src=x onerror=alert(1)>'",
    "entity": "&lt;script&gt;&quot;&#39;",
    "bidi": "Koch \u202egnp.exe\u2066 und \u061c\u200fMehr",
    "line breaks": "Koch\r\nSet-Cookie: a=b\r\n\r\n<svg/onload=alert(1)>",
    "nul and escapes": "Koch\x00\x1b[31m\x9b2J\x07",
    "half a surrogate": "Koch \ud800 und \udfff",
    "typst markup": '#panic("x") *a* $b$ #image("/etc/passwd") @ref `c` // d',
    "style": "</style><style>*{display:none}</style>{style}",
}


def harmless(text: str) -> str:
    """Returns the visible part of a text: one line, without invisible characters."""
    invisible = dict.fromkeys(map(ord, "\x00\x07\x1b\x9b\u202e\u2066\u061c\u200f\ud800\udfff"))
    return " ".join(text.translate(invisible).split())


ADDRESSES = {
    "script scheme": "javascript:alert(1)",
    "data": "data:text/html,<script>alert(1)</script>",
    "no scheme": "//evil.example/go/1",
    "attribute": 'https://acme.pitchyou.de/"><img src=x onerror=alert(1)>',
    "bidi": "https://acme.pitchyou.de/\u202e1",
    "letters outside ASCII": "https://acme.pitchyou.de/ä",
    "line break": "https://acme.pitchyou.de/1\r\nSet-Cookie: a=b",
    "nul": "https://acme.pitchyou.de/\x00",
    "half a surrogate": "https://acme.pitchyou.de/\ud800",
    "policy": "https://acme.pitchyou.de;script-src%20*/1",
    "user name": "https://api.pitchyou.de@evil.example/1",
    "backslash": "https:\\\\evil.example\\1",
    "blank": "https://acme.pitchyou.de/go/1 2",
    "no host": "https:///go/1",
    "nothing": "",
}

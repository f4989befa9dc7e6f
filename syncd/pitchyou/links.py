"""Builds the apply link (S1.2). `report.apply_link` in SQL returns the same bytes.

Everything but the unreserved characters of RFC 3986 is percent-encoded as UTF-8, both in the path and in the query. So
any web server decodes the original values, whether it takes a `+` for a blank or not.
"""

from urllib.parse import quote

from syncd.errors import BadInput
from syncd.model import CLIENT_ID, CLIENT_ID_RULE
from syncd.pitchyou.payloads import MAX_REFERENCE_BYTES
from syncd.shown import quoted

PITCHYOU_APPLY_URL = "https://{client_id}.pitchyou.de"
# In characters. Browsers, mail programs and QR codes accept at least this length.
MAX_LINK = 2000


def apply_link(
    client_id: str,
    job: str,
    *,
    template_key: str | None = None,
    title: str | None = None,
    utm_source: str | None = None,
    utm_medium: str | None = None,
    utm_campaign: str | None = None,
    utm_content: str | None = None,
    apply_url: str = PITCHYOU_APPLY_URL,
) -> str:
    """Return the address behind the button of a job ad (S1.2). It is ASCII, with at most `MAX_LINK` characters.

    Args:
        client_id: the tenant. It becomes part of the host name.
        job: the ATS's own reference of the job. PitchYou returns it unchanged as `externalReferenceId`.
        template_key: the interview to run. Without it, the client's standard interview runs.
        title: the title of the job, spoken in the interview.
        utm_source, utm_medium, utm_campaign, utm_content: PitchYou returns them unchanged in the profile.
        apply_url: scheme and host, with `{client_id}` in it. Any value but PitchYou's is for tests.

    An optional part that is None or empty is omitted.

    Raises:
        BadInput: the client_id is not a valid DNS label, a value cannot be part of an address, or the link is too long.
    """
    optional = {
        "jkey": template_key,
        "title": title,
        "utm_source": utm_source,
        "utm_medium": utm_medium,
        "utm_campaign": utm_campaign,
        "utm_content": utm_content,
    }
    problems = (
        []
        if CLIENT_ID.fullmatch(client_id)
        else [f"client_id {quoted(client_id)} is not valid; it has {CLIENT_ID_RULE}"]
    )
    problems += _problems_of_job(job)
    problems += [
        f"{name} contains a NUL or a lone surrogate, which cannot be part of an address"
        for name, value in ({"job": job} | optional).items()
        if value and not _can_be_encoded(value)
    ]
    if problems:
        raise BadInput(*problems)
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in optional.items() if value)
    link = f"{apply_url.replace('{client_id}', client_id)}/go/{quote(job, safe='')}"
    link = f"{link}?{query}" if query else link
    if len(link) > MAX_LINK:
        raise BadInput(
            f"the link would have {len(link)} characters, and not every program accepts more than {MAX_LINK}. "
            "Shorten the title or the utm values."
        )
    return link


def _problems_of_job(job: str) -> list[str]:
    bare = job.strip(" \t\n\v\f\r")
    if not bare:
        return ["job is empty. Give the ATS's reference of the job."]
    if bare in (".", ".."):
        return [
            f"job is '{bare}', which browsers take for a step in the path. Give the job another reference."
        ]
    if _can_be_encoded(job) and len(job.encode()) > MAX_REFERENCE_BYTES:
        return [
            f"job is longer than {MAX_REFERENCE_BYTES} bytes, so the applications would not match it. Give the job a shorter "
            "reference."
        ]
    return []


def _can_be_encoded(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)

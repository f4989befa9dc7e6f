"""Tells whether two applications are of one person, without keeping who it is.

The key of a person is an HMAC of the phone number, or else of the e-mail address, so that nobody without the secret can
try out numbers.
"""

import hmac
import re

# Zero-width characters and others that people copy along with a number.
_SEPARATORS = re.compile(r"[\s().\-/\u00a0\u2010-\u2015\u200b-\u200f\u202a-\u202e]+")
# A 0 among the first digits may be one that is dialled only within the country, as in +49 0151.
_E164 = re.compile(r"\+[1-9]{4}[0-9]{3,11}")


def person_key(
    secret: bytes, client_id: str, phone: str | None, email: str | None, region: str
) -> str | None:
    """Return the key of the person with this phone number or, without one, this e-mail address.

    Args:
        region: the country of numbers without a country code, such as "DE".

    Returns:
        64 hexadecimal digits, or None if there is neither. Another client never has the same key.
    """
    found = normalised_phone(phone or "", region) or normalised_email(email or "")
    if found is None:
        return None
    return hmac.digest(secret, f"{client_id}\0{found}".encode(), "sha256").hex()


def normalised_phone(phone: str, region: str) -> str | None:
    """Return a number as E.164 writes it (`+4915123456789`), or None if the text does not hold one."""
    # Most numbers come as WhatsApp knows them. The library takes ten times as long as all other work on a profile.
    if "(" not in phone and _E164.fullmatch(plain := _SEPARATORS.sub("", phone)):
        return plain
    if not any(character.isdigit() for character in phone):
        return None
    return _parsed(phone, region)


def _parsed(phone: str, region: str) -> str | None:
    import phonenumbers as p  # 50 ms

    written = _SEPARATORS.sub("", phone)
    # A number without a 0 in front may be an international one without its plus, as wa.me/4915123456789 has it.
    candidates = [f"+{written}"] if written.isdecimal() and not written.startswith("0") else []
    for candidate in (*candidates, phone):
        try:
            number = p.parse(candidate, region)
        except p.NumberParseException:
            continue
        if p.is_possible_number(number) if candidate is phone else p.is_valid_number(number):
            return str(p.format_number(number, p.PhoneNumberFormat.E164))
    return None


def normalised_email(email: str) -> str | None:
    """Return an address in lower case without surrounding blanks, or None if the text does not hold one."""
    found = email.strip().casefold()
    return found if "@" in found.strip("@") else None

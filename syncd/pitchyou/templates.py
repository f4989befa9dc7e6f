"""Parses PitchYou's JobTemplateDto (S1.1), and selects which of its descriptions to show."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from syncd.model import Json, Template
from syncd.pitchyou.json_values import Unreadable, as_text, cleaned, decode
from syncd.pitchyou.payloads import identifier
from syncd.pitchyou.spool import Element

# In bytes, for the whole list.
MAX_ANSWER = 32 * 1024 * 1024

_LANGUAGE_KEYS = ("language", "lang", "locale", "culture", "languageCode")
_TEXT_KEYS = ("description", "text", "value", "name", "title")


@dataclass(frozen=True, slots=True)
class TemplateList:
    """The templates of one response, each key once, and how many elements could not be parsed.

    `more` is how the response said that the list has more elements than these, or None.
    """

    templates: tuple[Template, ...]
    unreadable: int
    more: str | None = None

    @property
    def whole(self) -> bool:
        """Whether the response can be trusted to list all existing templates."""
        return bool(self.templates) and not self.unreadable and self.more is None


def read_templates(elements: Iterable[Element], language: str, more: str | None = None) -> TemplateList:
    """Parse the elements of the list. They come last first. If a key repeats, the last one in the response is valid.

    Args:
        language: the tag of the language to show, such as `de`.
        more: how the response said that the list has more elements than these.
    """
    found: dict[str, Template] = {}
    unreadable = 0
    for element in elements:
        try:
            template = _template(element, language)
            found.setdefault(template.template_key, template)
        except Unreadable:
            unreadable += 1
    return TemplateList(tuple(reversed(found.values())), unreadable, more)


def _template(element: Element, language: str) -> Template:
    if element.trouble:
        raise Unreadable(element.trouble)
    value = decode(element.payload)
    if not isinstance(value, dict):
        raise Unreadable("not an object")
    raw = cleaned(value)
    assert isinstance(raw, dict)  # noqa: S101 - tells the type checker that cleaning keeps the shape
    descriptions = raw.get("descriptions")
    return Template(
        template_key=identifier(value.get("templateKey"), "templateKey"),
        description=display_text(descriptions, language),
        descriptions=descriptions,
        raw=raw,
    )


def display_text(descriptions: Json, language: str) -> str | None:
    """Select the text to show: in the preferred language, else in a variant of it (`de` for `de-AT`), else the first.

    Accept a text, a list of texts, a map by language, a list of objects with a language and a text each, and mixtures
    of these. Return None if there is nothing to show.
    """
    texts = [(tag.lower().replace("_", "-"), text) for tag, text in _texts(descriptions, "") if text.strip()]
    wanted = language.lower()
    for matches in (
        lambda tag: tag == wanted,
        lambda tag: tag.partition("-")[0] == wanted.partition("-")[0],
        lambda tag: True,
    ):
        for tag, text in texts:
            if matches(tag):
                return text
    return None


def _texts(value: Json, tag: str) -> Iterator[tuple[str, str]]:
    """Yield all texts in `value`, each with its language, or with `tag` if it names no language."""
    if isinstance(value, list):
        for item in value:
            yield from _texts(item, tag)
    elif isinstance(value, Mapping):
        own = next((value[key] for key in _LANGUAGE_KEYS if isinstance(value.get(key), str)), None)
        text = next((value[key] for key in _TEXT_KEYS if isinstance(value.get(key), str)), None)
        if text is not None:
            yield (str(own) if own is not None else tag), str(text)
        else:
            for key, item in value.items():
                yield from _texts(item, key)
    elif value is not None:
        yield tag, as_text(value) or ""

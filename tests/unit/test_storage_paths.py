"""The key of a file can be read from its path, unless the path holds a digest in place of an id."""

import pytest

from syncd.media.paths import has_digest, key_at, path_of
from syncd.model import MediaKey


@pytest.mark.parametrize(
    "name", ["a1", "17", ".hidden", "..", "a/b", "Ä ö?", "%2F", "%sha256-", "x" * 66, "/" * 66]
)
def test_the_key_is_read_from_the_path(name: str) -> None:
    for key in (MediaKey(name, "m"), MediaKey("p", name)):
        path = path_of("acme", key)
        assert not has_digest(path)
        assert key_at(path) == key


@pytest.mark.parametrize("key", [MediaKey("/" * 67, "m"), MediaKey("p", "x" * 201)])
def test_a_path_says_that_it_holds_a_digest(key: MediaKey) -> None:
    assert has_digest(path_of("acme", key))


@pytest.mark.parametrize("path", ["acme", "acme/p", "acme/p/m/x"])
def test_a_path_of_another_shape_has_no_key(path: str) -> None:
    assert key_at(path) is None

"""Keys of projects, merchants and clients: their form, their checksum, and where test keys open anything."""

import pytest

from haversack.projects import keys
from haversack.projects.keys import KeyKind


@pytest.mark.parametrize("kind", KeyKind)
def test_kinds_of_keys(kind: KeyKind) -> None:
    key = keys.new_key(kind)
    assert keys.is_well_formed(key)
    is_test = kind.endswith("_test")
    assert keys.is_test_key(key) is is_test
    assert keys.is_test_key(keys.hint_of(key)) is is_test
    assert keys.may_open(key, is_development=True)
    assert keys.may_open(key, is_development=False) is not is_test


@pytest.mark.parametrize("kind", KeyKind)
def test_a_key_of_another_kind_is_mistyped(kind: KeyKind) -> None:
    key = keys.new_key(kind)
    other = key.replace("_test_", "_live_") if "_test_" in key else key.replace("_live_", "_test_")
    assert not keys.is_well_formed(other)

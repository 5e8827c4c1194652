"""Sizes, signed paths, formats and validators of the image proxy."""

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haversack.images.rules import (
    ImageFailure,
    ImageFailureKind,
    ImageSize,
    accepts_webp,
    choose_size,
    is_not_modified,
    name_variant,
    open_path,
    signed_path,
)

KEY = b"0123456789abcdef"


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (None, None, (620, 233)),
        (620, 233, (620, 233)),
        (620, None, (620, 233)),
        (800, None, (800, 300)),
        (1, None, (1, 1)),
        (2000, None, (2000, 750)),
        (None, 300, (800, 300)),
        (None, 1, (3, 1)),
        (None, 2000, (2000, 2000)),
        (1, 2000, (1, 2000)),
    ],
)
def test_size(width: int | None, height: int | None, expected: tuple[int, int]) -> None:
    assert choose_size(width=width, height=height) == ImageSize(width=expected[0], height=expected[1])


@pytest.mark.parametrize(("width", "height"), [(0, None), (2001, 10), (None, -1), (10, 2001), (10**30, None)])
def test_size_out_of_bounds(width: int | None, height: int | None) -> None:
    with pytest.raises(ImageFailure) as failure:
        choose_size(width=width, height=height)
    assert failure.value.kind is ImageFailureKind.BAD_SIZE


@given(st.integers(1, 2000))
def test_derived_sides_stay_within_bounds(side: int) -> None:
    for size in (choose_size(width=side, height=None), choose_size(width=None, height=side)):
        assert 1 <= size.width <= 2000
        assert 1 <= size.height <= 2000


@given(st.text(max_size=300), st.binary(min_size=16, max_size=64))
def test_signed_path_opens_with_its_key_only(url: str, key: bytes) -> None:
    path = signed_path(url, key)
    assert path.isascii()
    assert path.startswith("/images/")
    assert not set("=+%") & set(path)
    assert open_path(path, key) == url
    assert open_path(path.removeprefix("/images/"), key) == url
    with pytest.raises(ImageFailure):
        open_path(path, key + b"x")


@pytest.mark.parametrize("position", range(0, 60, 3))
def test_changed_path_does_not_open(position: int) -> None:
    path = signed_path("https://example.com/sword.png", KEY)
    at = len("/images/") + position % (len(path) - len("/images/") - 1)
    changed = path[:at] + ("A" if path[at] != "A" else "B") + path[at + 1 :]
    with pytest.raises(ImageFailure) as failure:
        open_path(changed, KEY)
    assert failure.value.kind is ImageFailureKind.BAD_SIGNATURE


def test_signature_of_another_picture_does_not_fit() -> None:
    first = signed_path("https://example.com/a.png", KEY)
    second = signed_path("https://example.com/b.png", KEY)
    with pytest.raises(ImageFailure):
        open_path(first.partition(".")[0] + "." + second.partition(".")[2], KEY)


@given(st.text(max_size=80))
def test_any_text_is_refused_as_a_path(path: str) -> None:
    with pytest.raises(ImageFailure) as failure:
        open_path(path, KEY)
    assert failure.value.kind is ImageFailureKind.BAD_SIGNATURE


def test_shortened_signature_does_not_open() -> None:
    path = signed_path("https://example.com/a.png", KEY)
    for length in (0, 1, 8, 21):
        with pytest.raises(ImageFailure):
            open_path(path.partition(".")[0] + "." + path.partition(".")[2][:length], KEY)


def test_signature_is_bound_to_its_purpose() -> None:

    bare = hmac.digest(KEY, b"https://example.com/a.png", hashlib.sha256)[:16]
    path = signed_path("https://example.com/a.png", KEY)
    assert path.partition(".")[2] != base64.urlsafe_b64encode(bare).rstrip(b"=").decode()


def test_short_key_signs_nothing() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        signed_path("https://example.com/a.png", b"short")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, False),
        ("", False),
        ("*/*", False),
        ("image/*", False),
        ("image/avif,image/webp,image/apng,*/*;q=0.8", True),
        ("IMAGE/WEBP", True),
        ("image/webp;q=0.5", True),
        ("image/webp;q=0", False),
        ("image/webp; q=0.000", False),
        ("image/webpx", False),
    ],
)
def test_webp_is_sent_to_those_who_name_it(accept: str | None, expected: bool) -> None:
    assert accepts_webp(accept) is expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, False),
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ('"b"', False),
        ("a", False),
        ("*", True),
    ],
)
def test_if_none_match(header: str | None, expected: bool) -> None:
    assert is_not_modified(header, '"a"') is expected


def test_everything_that_changes_the_bytes_changes_the_name() -> None:
    wide, high = ImageSize(width=20, height=10), ImageSize(width=10, height=20)
    names = {
        name_variant(digest, size, is_webp=is_webp)
        for digest in ("a" * 64, "b" * 64)
        for size in (wide, high)
        for is_webp in (True, False)
    }
    assert len(names) == 8

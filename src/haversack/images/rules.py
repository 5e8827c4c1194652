"""What the image proxy serves: signed paths, sizes, formats, validators and the ways a picture can fail."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

IMAGE_PATH_PREFIX = "/images/"

SIDE_MAX = 2000
DEFAULT_WIDTH = 620
DEFAULT_HEIGHT = 233  # 8:3, the shape of a Backpack picture

SOURCE_BYTES_MAX = 5 * 1024 * 1024
SOURCE_PIXELS_MAX = 25_000_000

KEY_BYTES_MIN = 16
_MAC_BYTES = 16
# Bound to its use, so that one key may sign other things without a signature fitting here.
_MAC_PURPOSE = b"haversack image proxy 1\n"

# A picture behind a URL may be exchanged for another: clients ask again daily and show the old one meanwhile.
CACHE_CONTROL = "public, max-age=86400, stale-while-revalidate=604800"


class ImageFailureKind(StrEnum):
    """Why no picture came out, for the caller to turn into a status."""

    BAD_SIGNATURE = "bad_signature"
    BAD_SIZE = "bad_size"
    SOURCE_REFUSED = "source_refused"
    SOURCE_UNREACHABLE = "source_unreachable"
    SOURCE_MISSING = "source_missing"
    NOT_AN_IMAGE = "not_an_image"
    TOO_LARGE = "too_large"
    BUSY = "busy"


class ImageFailure(Exception):
    """A picture that cannot be served; `reason` is a sentence for anybody and tells nothing of the source."""

    def __init__(self, kind: ImageFailureKind, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ImageSize:
    """The exact size of a served picture, in pixels."""

    width: int
    height: int

    def turned(self) -> "ImageSize":
        """Return the size with its sides exchanged."""
        return ImageSize(width=self.height, height=self.width)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture ready to be sent. etag is quoted as the header wants it."""

    body: bytes
    media_type: str
    etag: str

    def headers(self) -> Mapping[str, str]:
        """Return the headers that belong to the picture, for a 200 as well as for a 304."""
        return {
            "Content-Type": self.media_type,
            "ETag": self.etag,
            "Cache-Control": CACHE_CONTROL,
            "Vary": "Accept",
            # The bytes began elsewhere: a browser must take them for a picture and for nothing more.
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'",
        }


def choose_size(*, width: int | None, height: int | None) -> ImageSize:
    """Return the size to serve: 620 x 233 by default, 8:3 when one side is given, else just what was asked.

    A side that follows from the other is kept within the bounds even where that gives up 8:3. Raises
    `ImageFailure` (bad_size) for a given side outside 1..2000.
    """
    for side in (width, height):
        if side is not None and not 1 <= side <= SIDE_MAX:
            raise ImageFailure(ImageFailureKind.BAD_SIZE, f"Width and height must be from 1 to {SIDE_MAX}.")
    if width is None and height is None:
        return ImageSize(width=DEFAULT_WIDTH, height=DEFAULT_HEIGHT)
    if width is None:
        assert height is not None
        return ImageSize(width=min(_divide_half_up(height * 8, 3), SIDE_MAX), height=height)
    if height is None:
        return ImageSize(width=width, height=max(_divide_half_up(width * 3, 8), 1))
    return ImageSize(width=width, height=height)


def _divide_half_up(number: int, divisor: int) -> int:
    return (number * 2 + divisor) // (divisor * 2)


def signed_path(image_url: str, key: bytes) -> str:
    """Return the path under which the proxy serves a picture, without `w` and `h`.

    image_url: an absolute URL, or the path of a picture that the server ships itself. Only the holder of the
    key can make such paths, so the proxy fetches nothing but what this server once put into an answer.
    """
    encoded = _to_base64(image_url.encode())
    return f"{IMAGE_PATH_PREFIX}{encoded}.{_to_base64(_mac(image_url, key))}"


def open_path(path: str, key: bytes) -> str:
    """Return the image URL that a path was made from; `ImageFailure` (bad_signature) unless the key made it.

    The prefix `/images/` may have been taken off already.
    """
    encoded, _, mac_text = path.removeprefix(IMAGE_PATH_PREFIX).partition(".")
    try:
        image_url = _from_base64(encoded).decode()
        mac = _from_base64(mac_text)
    except (binascii.Error, ValueError) as error:
        raise _bad_signature() from error
    if not hmac.compare_digest(mac, _mac(image_url, key)):
        raise _bad_signature()
    return image_url


def check_key(key: bytes) -> None:
    """Raise ValueError for a key too short to sign with."""
    if len(key) < KEY_BYTES_MIN:
        raise ValueError(f"the key of the image proxy needs at least {KEY_BYTES_MIN} bytes")


def _bad_signature() -> ImageFailure:
    return ImageFailure(ImageFailureKind.BAD_SIGNATURE, "This is not an address of a picture.")


def _mac(image_url: str, key: bytes) -> bytes:
    check_key(key)
    return hmac.digest(key, _MAC_PURPOSE + image_url.encode(), hashlib.sha256)[:_MAC_BYTES]


def _to_base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _from_base64(text: str) -> bytes:
    padded = text.encode("ascii") + b"=" * (-len(text) % 4)
    return base64.b64decode(padded, altchars=b"-_", validate=True)


def accepts_webp(accept: str | None) -> bool:
    """Tell whether a client asks for WebP by name.

    `*/*` is not enough: game engines send it and then fail to decode WebP.
    """
    for media_range in (accept or "").lower().split(","):
        name, *parameters = (part.strip() for part in media_range.split(";"))
        if name == "image/webp":
            return not any(parameter.replace(" ", "") in _UNWANTED for parameter in parameters)
    return False


_UNWANTED = frozenset({"q=0", "q=0.0", "q=0.00", "q=0.000"})


def is_not_modified(if_none_match: str | None, etag: str) -> bool:
    """Tell whether a client already has the picture, by the rules of `If-None-Match` (weak comparison)."""
    if if_none_match is None:
        return False
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in known or etag in known


def name_variant(source_digest: str, size: ImageSize, *, is_webp: bool) -> str:
    """Return the name, 64 hexadecimal digits, under which a picture cut from a source is kept.

    It follows from the source's bytes, not from its URL: a picture that changed gets new names, one that did
    not keeps them.
    """
    form = f"{_ENCODER_GENERATION} {source_digest} {size.width}x{size.height} {is_webp}"
    return hashlib.sha256(form.encode()).hexdigest()


# To be raised when the way of cutting or encoding changes, so that kept pictures are made again.
_ENCODER_GENERATION = 1


def make_picture(body: bytes, variant_name: str) -> Picture:
    """Return an encoded picture with its media type, read from its first bytes, and its validator."""
    return Picture(body=body, media_type=_media_type(body), etag=f'"{variant_name[:32]}"')


def _media_type(body: bytes) -> str:
    if body.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    assert body[:4] == b"RIFF" and body[8:12] == b"WEBP"
    return "image/webp"

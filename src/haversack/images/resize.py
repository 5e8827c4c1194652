"""Cutting a picture to size: decoding within bounds, cover crop, orientation, encoding without metadata."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import ExifTags, Image, ImageFile

from haversack.images.rules import SOURCE_PIXELS_MAX, ImageFailure, ImageFailureKind, ImageSize

logger = logging.getLogger(__name__)

# MPO is what Pillow calls a JPEG that carries further pictures, as some phones write them.
_JPEG_FORMATS = frozenset({"JPEG", "MPO"})
_FORMATS = ("JPEG", "PNG", "WEBP")

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDES_EXCHANGED = frozenset({5, 6, 7, 8})

# A JPEG is decoded at a fraction of its size when that leaves this many times the pixels needed per side.
_DRAFT_RESERVE = 2

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class SourceHeader:
    """What the first bytes of a picture say about it."""

    width: int
    height: int

    @property
    def pixels(self) -> int:
        """Return the number of pixels that decoding would make."""
        return self.width * self.height


def read_header(body: bytes) -> SourceHeader:
    """Return the size of a JPEG, PNG or WebP without decoding it.

    Raises `ImageFailure`: not_an_image for anything else, too_large beyond 25 million pixels.
    """
    with _opened(body) as source:
        return SourceHeader(width=source.width, height=source.height)


def resize_picture(body: bytes, size: ImageSize, *, is_webp: bool) -> bytes:
    """Return the picture filling exactly `size`, cropped around its centre, upright and without metadata.

    Encoded as WebP, or else in the source's format; a WebP source then becomes PNG when it has transparency
    and JPEG when it has none. Of an animation the first frame is taken. Slow and hungry (four bytes a source
    pixel, twice that with transparency): to be called in a thread, few at a time. Raises `ImageFailure` like
    `read_header`, and for pictures that turn out broken.
    """
    with _opened(body) as source:
        source_format = source.format
        orientation = _orientation(source)
        target = size.turned() if orientation in _SIDES_EXCHANGED else size
        if source_format in _JPEG_FORMATS:
            _draft(source, target)
        source.load()
        prepared = _prepare(source)
        cut = prepared.resize(
            (target.width, target.height),
            Image.Resampling.LANCZOS,
            box=cover_box(ImageSize(width=prepared.width, height=prepared.height), target),
        )
    if orientation in _TURNS:
        cut = cut.transpose(_TURNS[orientation])
    return _encode(cut, source_format, is_webp=is_webp)


def cover_box(source: ImageSize, target: ImageSize) -> Box:
    """Return the largest centred part of the source that has the target's shape: left, top, right, bottom."""
    scale = min(source.width / target.width, source.height / target.height)
    width = min(target.width * scale, source.width)
    height = min(target.height * scale, source.height)
    left = (source.width - width) / 2
    top = (source.height - height) / 2
    return (left, top, left + width, top + height)


@contextmanager
def _opened(body: bytes) -> Iterator[ImageFile.ImageFile]:
    """Open a picture of accepted format and size; what its decoder raises comes out as `ImageFailure`."""
    try:
        with Image.open(io.BytesIO(body), formats=_FORMATS) as source:
            if source.width * source.height > SOURCE_PIXELS_MAX:
                raise _too_large()
            yield source
    except ImageFailure:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large() from error
    except Exception as error:
        # The decoders meet bytes chosen by strangers and raise nearly every class of exception over them.
        logger.info("a picture could not be decoded: %s", type(error).__name__)
        raise ImageFailure(
            ImageFailureKind.NOT_AN_IMAGE, "The source is not a readable JPEG, PNG or WebP picture."
        ) from error


def _too_large() -> ImageFailure:
    return ImageFailure(
        ImageFailureKind.TOO_LARGE,
        f"The picture has more than {SOURCE_PIXELS_MAX // 1_000_000} million pixels.",
    )


def _orientation(source: ImageFile.ImageFile) -> int:
    try:
        value = source.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception as error:
        # Browsers show pictures with broken metadata as they lie, and so do we.
        logger.debug("broken metadata in a picture: %s", type(error).__name__)
        return 1
    return value if isinstance(value, int) else 1


def _draft(source: ImageFile.ImageFile, target: ImageSize) -> None:
    """Let the JPEG decoder skip detail that the target cannot show: less memory, and several times faster."""
    scale = min(source.width / target.width, source.height / target.height) / _DRAFT_RESERVE
    if scale > 1:
        source.draft(None, (int(source.width / scale), int(source.height / scale)))


def _prepare(source: Image.Image) -> Image.Image:
    """Return the picture in a mode that can be resampled: palettes and single transparent colours cannot."""
    if source.mode.startswith("I"):
        # Sixteen bits of grey; a plain conversion would clip all but the darkest to white.
        return source.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if source.has_transparency_data:
        return source if source.mode == "RGBA" else source.convert("RGBA")
    return source if source.mode in ("RGB", "L") else source.convert("RGB")


def _encode(picture: Image.Image, source_format: str | None, *, is_webp: bool) -> bytes:
    is_transparent = picture.has_transparency_data
    if picture.mode not in ("RGB", "RGBA"):
        picture = picture.convert("RGB")
    # Encoders write colour profiles and comments they find here.
    picture.info.clear()
    out = io.BytesIO()
    if is_webp:
        picture.save(out, "WEBP", quality=82, method=4, exif=b"", icc_profile=None)
    elif source_format == "PNG" or is_transparent:
        picture.save(out, "PNG", exif=None, icc_profile=None)
    else:
        picture.save(out, "JPEG", quality=85, progressive=True, exif=b"", icc_profile=None)
    return out.getvalue()

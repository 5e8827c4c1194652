"""Cutting pictures: exact sizes, the centre, orientation, formats, metadata, and hostile files."""

import io
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from haversack.images.resize import cover_box, read_header, resize_picture
from haversack.images.rules import ImageFailure, ImageFailureKind, ImageSize

Draw = Callable[..., bytes]

SIZE = ImageSize(width=80, height=30)


def opened(body: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(body))
    picture.load()
    return picture


def colour(picture: Image.Image, x: int, y: int) -> str:
    pixel = picture.convert("RGB").getpixel((x, y))
    assert isinstance(pixel, tuple)
    red, green, blue = (value > 128 for value in pixel)
    return {(1, 0, 0): "red", (0, 1, 0): "green", (0, 0, 1): "blue", (1, 1, 1): "white"}[red, green, blue]


def corners(picture: Image.Image) -> list[str]:
    """Return the colours of the quarters, from the upper left, row by row."""
    width, height = picture.size
    places = [(1, 1), (width - 2, 1), (1, height - 2), (width - 2, height - 2)]
    return [colour(picture, x, y) for x, y in places]


def failure_kind(body: bytes) -> ImageFailureKind:
    with pytest.raises(ImageFailure) as failure:
        resize_picture(body, SIZE, is_webp=False)
    return failure.value.kind


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(("width", "height"), [(800, 300), (100, 400), (1000, 100), (3, 3), (1, 1), (2500, 1900)])
def test_result_has_exactly_the_size(draw: Draw, form: str, width: int, height: int) -> None:
    body = draw(width, height, form)
    assert (read_header(body).width, read_header(body).height) == (width, height)
    for is_webp in (True, False):
        result = opened(resize_picture(body, SIZE, is_webp=is_webp))
        assert result.size == (80, 30)
        if width > 3:
            assert corners(result) == ["red", "green", "blue", "white"]


def test_crop_is_centred() -> None:
    wide = Image.new("RGB", (300, 100), "#ff0000")
    wide.paste("#00ff00", (100, 0, 200, 100))
    out = io.BytesIO()
    wide.save(out, "PNG")
    result = opened(resize_picture(out.getvalue(), ImageSize(width=50, height=50), is_webp=False))
    assert {colour(result, x, y) for x in range(2, 48) for y in range(50)} == {"green"}


@given(*(st.integers(1, 5000) for _ in range(2)), *(st.integers(1, 2000) for _ in range(2)))
def test_crop_stays_inside_and_keeps_the_shape(width: int, height: int, to_width: int, to_height: int) -> None:
    left, top, right, bottom = cover_box(
        ImageSize(width=width, height=height), ImageSize(width=to_width, height=to_height)
    )
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    assert (right - left) / (bottom - top) == pytest.approx(to_width / to_height)
    assert left == pytest.approx(width - right)
    assert top == pytest.approx(height - bottom)
    assert right - left == pytest.approx(width) or bottom - top == pytest.approx(height)


@pytest.mark.parametrize(
    ("form", "mode", "is_webp", "expected", "result_mode"),
    [
        ("JPEG", "RGB", False, "JPEG", "RGB"),
        ("JPEG", "L", False, "JPEG", "RGB"),
        ("JPEG", "CMYK", False, "JPEG", "RGB"),
        ("JPEG", "RGB", True, "WEBP", "RGB"),
        ("PNG", "RGB", False, "PNG", "RGB"),
        ("PNG", "RGBA", False, "PNG", "RGBA"),
        ("PNG", "RGBA", True, "WEBP", "RGBA"),
        ("PNG", "P", False, "PNG", "RGB"),
        ("PNG", "LA", False, "PNG", "RGBA"),
        ("PNG", "1", False, "PNG", "RGB"),
        ("WEBP", "RGB", False, "JPEG", "RGB"),
        ("WEBP", "RGB", True, "WEBP", "RGB"),
    ],
)
def test_format_follows_the_source(
    draw: Draw, form: str, mode: str, is_webp: bool, expected: str, result_mode: str
) -> None:
    result = opened(resize_picture(draw(200, 80, form, mode), SIZE, is_webp=is_webp))
    assert result.format == expected
    # WebP drops an alpha channel in which nothing is transparent.
    assert result.mode in ((result_mode, "RGB") if expected == "WEBP" else (result_mode,))


@pytest.mark.parametrize("is_webp", [True, False])
@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_transparency_survives(form: str, is_webp: bool) -> None:
    source = Image.new("RGBA", (160, 60), (255, 0, 0, 255))
    source.paste((0, 0, 0, 0), (0, 0, 80, 60))
    out = io.BytesIO()
    source.save(out, form)
    result = opened(resize_picture(out.getvalue(), SIZE, is_webp=is_webp))
    assert result.mode == "RGBA"
    left, right = result.getpixel((5, 15)), result.getpixel((75, 15))
    assert isinstance(left, tuple)
    assert isinstance(right, tuple)
    assert left[3] < 10
    assert right[3] > 245


@pytest.mark.parametrize("mode", ["P", "RGB", "L"])
def test_single_transparent_colour_becomes_alpha(mode: str) -> None:
    source = Image.new(mode, (160, 60), 0)
    out = io.BytesIO()
    source.save(out, "PNG", transparency=(0, 0, 0) if mode == "RGB" else 0)
    result = opened(resize_picture(out.getvalue(), SIZE, is_webp=False))
    assert result.mode == "RGBA"
    assert result.getchannel("A").getextrema() == (0, 0)


@pytest.mark.parametrize("transparency", [None, 0])
def test_sixteen_bit_grey_keeps_its_shades(transparency: int | None) -> None:
    source = Image.new("I;16", (160, 60), 0x8000)
    out = io.BytesIO()
    source.save(out, "PNG", **({} if transparency is None else {"transparency": transparency}))
    result = opened(resize_picture(out.getvalue(), SIZE, is_webp=False))
    low, high = result.convert("L").getextrema()
    assert low == high == 128


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_picture_is_turned_upright(draw: Draw, form: str, orientation: int) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = opened(draw(400, 150))
    if orientation in undo:
        stored = stored.transpose(undo[orientation])
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    out = io.BytesIO()
    stored.save(out, form, exif=exif)
    result = opened(resize_picture(out.getvalue(), SIZE, is_webp=False))
    assert result.size == (80, 30)
    assert corners(result) == ["red", "green", "blue", "white"]


@pytest.mark.parametrize("is_webp", [True, False])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_metadata_is_gone(draw: Draw, form: str, is_webp: bool) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "SECRET-ARTIST"
    exif[ExifTags.Base.Orientation] = 3
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "SECRET-COMMENT")
    comments: dict[str, dict[str, object]] = {
        "JPEG": {"comment": b"SECRET-COMMENT"},
        "PNG": {"pnginfo": text},
        "WEBP": {},
    }
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    body = draw(200, 80, form, exif=exif, icc_profile=profile, **comments[form])
    assert b"SECRET-ARTIST" in body
    result = resize_picture(body, SIZE, is_webp=is_webp)
    assert b"SECRET" not in result
    picture = opened(result)
    assert not picture.getexif()
    assert "icc_profile" not in picture.info
    assert "comment" not in picture.info


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_broken_metadata_does_not_matter(draw: Draw) -> None:
    body = draw(200, 80, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff broken")
    assert opened(resize_picture(body, SIZE, is_webp=False)).size == (80, 30)


def test_first_frame_of_an_animation_is_taken() -> None:
    frames = [Image.new("RGB", (80, 30), name) for name in ("#00ff00", "#ff0000")]
    for form in ("WEBP", "PNG"):
        out = io.BytesIO()
        frames[0].save(out, form, save_all=True, append_images=frames[1:], duration=100)
        result = opened(resize_picture(out.getvalue(), SIZE, is_webp=False))
        assert colour(result, 40, 15) == "green"


@pytest.mark.parametrize("form", ["GIF", "BMP", "TIFF", "ICO", "PPM", "JPEG2000", "TGA"])
def test_other_formats_are_refused(draw: Draw, form: str) -> None:
    assert failure_kind(draw(64, 64, form)) is ImageFailureKind.NOT_AN_IMAGE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\x00\x00\x00\x00WEBP",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<html></html>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        b"\0" * 1000,
    ],
)
def test_other_content_is_refused(body: bytes) -> None:
    assert failure_kind(body) is ImageFailureKind.NOT_AN_IMAGE


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_truncated_pictures_are_refused(draw: Draw, form: str) -> None:
    body = draw(400, 300, form)
    assert failure_kind(body[: len(body) // 2]) is ImageFailureKind.NOT_AN_IMAGE


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@given(data=st.data())
def test_damaged_pictures_never_raise_anything_else(form: str, data: st.DataObject) -> None:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "#336699").save(out, form)
    body = bytearray(out.getvalue())
    for _ in range(data.draw(st.integers(1, 8))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        result = resize_picture(bytes(body), SIZE, is_webp=False)
    except ImageFailure as failure:
        assert failure.kind in (ImageFailureKind.NOT_AN_IMAGE, ImageFailureKind.TOO_LARGE)
    else:
        assert opened(result).size == (80, 30)


@contextmanager
def memory_bound(megabytes: int) -> Iterator[None]:
    """Fail when the block takes more memory of the machine, at any moment, than so many megabytes."""
    if sys.platform != "linux":
        yield
        return
    Path("/proc/self/clear_refs").write_text("5")  # The peak begins anew.
    before = peak_kilobytes()
    yield
    assert peak_kilobytes() - before < megabytes * 1024


def peak_kilobytes() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_memory_bound_notices_memory() -> None:
    with pytest.raises(AssertionError), memory_bound(20):
        Image.new("RGB", (4000, 4000), "white")


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_claiming(width: int, height: int, *, extra: bytes = b"") -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    content = png_chunk(b"IDAT", zlib.compress(b"\0" * 1_000_000, 9))
    return b"\x89PNG\r\n\x1a\n" + header + extra + content + png_chunk(b"IEND", b"")


def webp_claiming(width: int, height: int) -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "anybody"
    Image.new("RGBA", (16, 16), (1, 2, 3, 4)).save(out, "WEBP", lossless=True, exif=exif)
    body = bytearray(out.getvalue())
    assert body[12:16] == b"VP8X"
    body[24:30] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(body)


def jpeg_claiming(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (16, 16)).save(out, "JPEG")
    body = bytearray(out.getvalue())
    at = body.index(b"\xff\xc0") + 5
    body[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(body)


@pytest.mark.parametrize(
    "body",
    [
        png_claiming(5001, 5000),
        png_claiming(10_000, 10_000),
        png_claiming(30_000, 30_000),
        png_claiming(2**31 - 1, 2**31 - 1),
        jpeg_claiming(65_500, 65_500),
        jpeg_claiming(5001, 5000),
    ],
)
def test_pictures_with_too_many_pixels_are_refused_by_their_header(body: bytes) -> None:
    with memory_bound(20), pytest.raises(ImageFailure) as failure:
        read_header(body)
    assert failure.value.kind is ImageFailureKind.TOO_LARGE
    assert failure_kind(body) is ImageFailureKind.TOO_LARGE


@pytest.mark.parametrize("side", [5001, 16_000, 2**24])
def test_webp_with_a_huge_canvas_is_refused_without_memory(side: int) -> None:
    body = webp_claiming(side, side)
    with memory_bound(20):
        kind = failure_kind(body)
    assert kind in (ImageFailureKind.TOO_LARGE, ImageFailureKind.NOT_AN_IMAGE)


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP"])
def test_bomb_in_png_metadata_is_bounded(kind: bytes) -> None:
    bomb = png_chunk(kind, b"Name\0\0" + zlib.compress(b"\0" * 200_000_000, 1))
    body = png_claiming(64, 64, extra=bomb)
    with memory_bound(20):
        try:
            resize_picture(body, SIZE, is_webp=False)
        except ImageFailure as failure:
            assert failure.kind is ImageFailureKind.NOT_AN_IMAGE


def test_largest_allowed_picture_is_served(draw: Draw) -> None:
    result = opened(resize_picture(draw(5000, 5000, "JPEG"), SIZE, is_webp=False))
    assert corners(result) == ["red", "green", "blue", "white"]

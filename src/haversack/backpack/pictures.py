"""Addresses of resized pictures, and the operation that serves them."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from haversack.clock import real_now
from haversack.context import Context
from haversack.errors import BACKPACK, PICTURE_NOT_FOUND, PICTURE_SIZE_WRONG, PICTURE_SOURCE_FAILED
from haversack.http.area import Area
from haversack.http.calls import PublicCall
from haversack.images.rules import DEFAULT_HEIGHT, DEFAULT_WIDTH, ImageFailure, ImageFailureKind, is_not_modified

area = Area("Pictures", family=BACKPACK)

KIND_OF_FAILURE = {
    ImageFailureKind.BAD_SIZE: PICTURE_SIZE_WRONG,
    ImageFailureKind.BAD_SIGNATURE: PICTURE_NOT_FOUND,
    ImageFailureKind.SOURCE_REFUSED: PICTURE_NOT_FOUND,
    ImageFailureKind.SOURCE_MISSING: PICTURE_NOT_FOUND,
    ImageFailureKind.NOT_AN_IMAGE: PICTURE_NOT_FOUND,
    ImageFailureKind.TOO_LARGE: PICTURE_NOT_FOUND,
    ImageFailureKind.SOURCE_UNREACHABLE: PICTURE_SOURCE_FAILED,
}
BUSY_SECONDS = 2


def picture_address(
    context: Context, image_url: str, *, width: int = DEFAULT_WIDTH, height: int = DEFAULT_HEIGHT
) -> str | None:
    """Where the resized copy of a picture is served; None for what is no address of a picture."""
    if not image_url.startswith(("https://", "http://")):
        return None
    return f"{context.settings.public_url}{context.images.path(image_url)}?w={width}&h={height}"


@area.get(
    "/images/{picture}",
    statuses=(304,),
    errors=(PICTURE_NOT_FOUND, PICTURE_SIZE_WRONG, PICTURE_SOURCE_FAILED),
)
async def get_picture(
    call: PublicCall,
    picture: str,
    w: Annotated[int | None, Query(description="width in pixels")] = None,
    h: Annotated[int | None, Query(description="height in pixels")] = None,
) -> Response:
    """Serve a resized copy of a picture, cut to fill the size."""
    accept = call.request.headers.get("accept")
    try:
        made = await call.context.images.picture(picture, width=w, height=h, accept=accept, now=real_now())
    except ImageFailure as failure:
        if failure.kind is ImageFailureKind.BUSY:
            raise BACKPACK.too_many(seconds=BUSY_SECONDS, retry_after=BUSY_SECONDS) from None
        raise KIND_OF_FAILURE[failure.kind](reason=failure.reason) from None
    if is_not_modified(call.request.headers.get("if-none-match"), made.etag):
        return Response(status_code=304, headers=dict(made.headers()))
    return Response(made.body, headers=dict(made.headers()))

"""Made pictures and a local host of pictures for the image proxy."""

import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from aiohttp import web
from PIL import Image

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Draw = Callable[..., bytes]
Serve = Callable[[Handler], Awaitable[str]]


@pytest.fixture
def draw() -> Draw:
    """Draw a picture of four coloured quarters: red, green, blue, white from the upper left, row by row."""

    def make(width: int, height: int, form: str = "PNG", mode: str = "RGB", **options: object) -> bytes:
        picture = Image.new("RGB", (width, height), "white")
        half_width, half_height = width // 2, height // 2
        picture.paste("#ff0000", (0, 0, half_width, half_height))
        picture.paste("#00ff00", (half_width, 0, width, half_height))
        picture.paste("#0000ff", (0, half_height, half_width, height))
        out = io.BytesIO()
        picture.convert(mode).save(out, form, **options)
        return out.getvalue()

    return make


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Serve a handler on every path of a local address, which is returned without a slash at its end."""
    async with AsyncExitStack() as stack:

        async def start(handler: Handler) -> str:
            app = web.Application()
            app.router.add_route("*", "/{path:.*}", handler)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            return f"http://127.0.0.1:{runner.addresses[0][1]}"

        yield start

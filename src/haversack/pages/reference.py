"""The API reference at /docs, with its own copy of Swagger UI: it works with the network off."""

from importlib.util import find_spec
from pathlib import Path

from starlette.responses import Response

from haversack.errors import PAGE
from haversack.http.area import Area
from haversack.http.calls import PublicCall
from haversack.pages.html import CONTENT_SECURITY_POLICY, render_page

area = Area("reference", family=PAGE, in_document=False)

# Swagger UI writes style attributes into its own elements.
REFERENCE_POLICY = CONTENT_SECURITY_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")


def swagger_folder() -> Path:
    """Where the files of Swagger UI lie: fastapi-offline carries them; its code is not used."""
    spec = find_spec("fastapi_offline")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "static"


@area.get("/docs")
async def reference_page(call: PublicCall) -> Response:
    """Show every operation, with a form to try it."""
    return render_page(
        "reference.html",
        headers={"Content-Security-Policy": REFERENCE_POLICY},
        player=None,
        csrf_token="",
    )


@area.get("/openapi.json")
async def openapi_document(call: PublicCall) -> Response:
    """Serve the OpenAPI document."""
    body = await call.request.app.state.document.read(call.context.settings)
    return Response(body, media_type="application/json")

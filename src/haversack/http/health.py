"""Whether this process can answer calls: for proxies and whoever starts it again."""

from sqlalchemy import Integer, literal_column, select
from starlette.responses import Response

from haversack.errors import STORE
from haversack.http.area import Area
from haversack.http.calls import PublicCall

area = Area("health", family=STORE, in_document=False)

ANSWERS = select(literal_column("1", Integer))


@area.get("/health")
async def health(call: PublicCall) -> Response:
    """Answer 200 while the database answers; else the 503 of any call."""
    await call.db.fetch_value(ANSWERS)
    return Response(b'{"status":"ok"}', media_type="application/json", headers={"Cache-Control": "no-store"})

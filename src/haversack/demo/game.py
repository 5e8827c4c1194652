"""The demo project's game: a webhook receiver that plays along, so that a fresh server works to the end.

It knows every player but those called `nobody…`, is away for `away…`, refuses items for `refuse…`, and remembers what
it was given. Where the demo project lets its game say what players see, it offers everything, one of each item to
`few…`. It exists in development only.
"""

from collections import OrderedDict
from typing import Any

import orjson
from starlette.responses import Response

from haversack.clock import real_now
from haversack.demo.seed import Demo, read_demo
from haversack.errors import STORE
from haversack.http.area import Area, Repeat
from haversack.http.calls import PublicCall
from haversack.webhooks.signing import verify_signatures

area = Area("demo", family=STORE, prefix="/demo", in_document=False)

REMEMBERED_MAX = 1_000
granted: OrderedDict[str, dict[str, Any]] = OrderedDict()


@area.post("/game/webhook", repeat=Repeat.NEVER)
async def demo_game_webhook(call: PublicCall) -> Response:
    """Answer as the demo game would."""
    body = await call.request.body()
    demo = read_demo(call.context.settings.data_folder)
    if (
        demo is None
        or not verify_signatures(body, call.request.headers, demo.webhook_secret, now=real_now()).is_genuine
    ):
        return _refusal(400, "INVALID_SIGNATURE", "The signature does not fit the body.")
    event = orjson.loads(body)
    user = event.get("user", {})
    user_id = str(user.get("id") or user.get("external_id") or "")
    if user_id.startswith("away"):
        return Response(status_code=500)
    if event["notification_type"] == "user_validation":
        if user_id.startswith("nobody"):
            return _refusal(400, "INVALID_USER", f"There is no player {user_id}.")
        return Response(status_code=204)
    if event["notification_type"] == "partner_side_catalog":
        return await _offer(call, demo, user_id)
    if user_id.startswith("refuse"):
        return _refusal(400, "INVALID_PARAMETER", "The player's bag is full.")
    # The id of the event is the same in every repeat: what was granted once is not granted again.
    granted.setdefault(call.request.headers["webhook-id"], {"player": user_id, "items": event.get("items", [])})
    if len(granted) > REMEMBERED_MAX:
        granted.popitem(last=False)
    return Response(status_code=204)


@area.get("/game")
async def demo_game(call: PublicCall) -> Response:
    """Show what the demo game has been given since the server started."""
    return Response(orjson.dumps(list(granted.values())), media_type="application/json")


async def _offer(call: PublicCall, demo: Demo, user_id: str) -> Response:
    if user_id.startswith("nobody"):
        return _refusal(404, "INVALID_USER", f"There is no player {user_id}.")
    held = await call.context.catalogs.get(demo.project_id)
    assert held.catalog is not None, "a catalog that was asked for is compiled"
    quantity = 1 if user_id.startswith("few") else None
    offer = [{"sku": sku, "quantity": quantity} for sku in held.catalog.by_sku]
    return Response(orjson.dumps(offer), media_type="application/json")


def _refusal(status: int, code: str, message: str) -> Response:
    body = {"error": {"code": code, "message": message}}
    return Response(orjson.dumps(body), status_code=status, media_type="application/json")

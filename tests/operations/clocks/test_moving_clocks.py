"""Moving a project's clock: where it stands, what falls due on a jump, what a player's own time changes."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from haversack.app import build_application, build_worker
from haversack.clock import real_now
from haversack.clocks import actions, snapshots
from haversack.context import Context
from haversack.orders.records import OrderState
from haversack.orders.rules import PAYABLE_FOR
from haversack.payments.records import PaymentState
from haversack.projects.records import DeliveryMode
from haversack.settings import Mode
from haversack.webhooks.actions import publish, save_endpoint
from haversack.webhooks.records import DeliveryStatus, Purpose
from make import catalog
from make.client_catalog import read_skus, sell
from make.clocks import clock_path, freeze, go_back, jump, now_of, step
from make.orders import (
    buy,
    change_project,
    fill,
    fund,
    make_buyer,
    order_money,
    pay,
    project_of,
    sell_for,
    sell_for_money,
    sell_free,
    state_of,
    take_free,
)
from make.payments import LATE, Purchase, make_payable, order_item
from make.projects import Studio
from make.receiver import Answer, Receiver
from make.webhooks import SECRET, Sender, make_event

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


async def audited(context: Context, studio: Studio) -> list[str]:
    """What the studio has done, by the audit."""
    async with context.database.connection() as connection:
        rows = await connection.fetch(
            "SELECT operation FROM audit_entries WHERE project_id = $1 ORDER BY entry_id", studio.project_id
        )
    return [row["operation"] for row in rows]


async def test_get_clock(client: httpx.AsyncClient, studio: Studio) -> None:
    reply = await client.get(clock_path(studio), auth=studio.basic)
    answered = reply.json()
    assert abs(datetime.fromisoformat(answered.pop("now")) - real_now()) < timedelta(seconds=5)
    assert answered == {"is_frozen": False, "offset_seconds": 0, "next_due_at": None, "snapshot": None}
    assert (await client.get(clock_path(studio))).status_code == 401


async def test_freeze_clock(client: httpx.AsyncClient, studio: Studio, other_studio: Studio, context: Context) -> None:
    frozen_at = await freeze(client, studio)
    assert await now_of(client, studio) == await now_of(client, studio) == frozen_at
    assert await now_of(client, other_studio) > frozen_at
    reply = await client.get(clock_path(studio), auth=studio.basic)
    snapshot = reply.json()["snapshot"]
    assert datetime.fromisoformat(snapshot["frozen_at"]) == frozen_at
    assert snapshot["row_count"] >= 1
    assert await audited(context, studio) == ["freeze_clock"]


async def test_jump_clock(client: httpx.AsyncClient, studio: Studio) -> None:
    frozen_at = await freeze(client, studio)
    to = (frozen_at + 400 * DAY).replace(microsecond=0)
    assert await jump(client, studio, to) == []
    assert await now_of(client, studio) == to
    state = (await client.get(clock_path(studio), auth=studio.basic)).json()
    assert state["is_frozen"]
    assert abs(state["offset_seconds"] - 400 * 86400) <= 5


async def test_jump_clock_that_runs(client: httpx.AsyncClient, studio: Studio) -> None:
    to = await now_of(client, studio) + DAY
    await jump(client, studio, to)
    first, second = await now_of(client, studio), await now_of(client, studio)
    assert to <= first < second < to + timedelta(minutes=1)
    before = await now_of(client, studio)
    await step(client, studio, timedelta())
    assert await now_of(client, studio) > before, "no step goes back, not even by the time of the call"


async def test_step_clock(client: httpx.AsyncClient, studio: Studio) -> None:
    frozen_at = await freeze(client, studio)
    await step(client, studio, 2 * HOUR)
    assert await now_of(client, studio) == frozen_at + 2 * HOUR
    assert await step(client, studio) == [], "nothing is due: the clock stays"
    assert await now_of(client, studio) == frozen_at + 2 * HOUR


async def test_step_clock_to_what_is_due(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    await freeze(client, studio)
    order = await order_money(await make_buyer(studio), sku)
    state = (await client.get(clock_path(studio), auth=studio.basic)).json()
    assert datetime.fromisoformat(state["next_due_at"]) == order.expires_at
    assert await step(client, studio) == [(order.expires_at, "orders")]
    assert await now_of(client, studio) == order.expires_at
    assert await state_of(studio, order) is OrderState.EXPIRED


async def test_resume_clock(client: httpx.AsyncClient, studio: Studio) -> None:
    frozen_at = await freeze(client, studio)
    await step(client, studio, DAY)
    reply = await client.put(clock_path(studio, "/resume"), auth=studio.basic)
    assert (reply.status_code, reply.json()["is_frozen"]) == (200, False)
    now = await now_of(client, studio)
    assert frozen_at + DAY <= now < frozen_at + DAY + timedelta(minutes=1)
    again = await client.put(clock_path(studio, "/resume"), auth=studio.basic)
    assert again.status_code == 200
    assert await now_of(client, studio) > now


@pytest.mark.parametrize(
    ("method", "rest", "body", "field"),
    [
        ("PUT", "/jump", {}, "to"),
        ("PUT", "/jump", {"to": "tomorrow"}, "to"),
        ("PUT", "/jump", {"to": "2130-01-01T00:00:00"}, "to"),
        ("PUT", "/jump", {"to": "2020-01-01T00:00:00Z"}, "to"),
        ("PUT", "/jump", {"to": "2200-01-02T00:00:00Z"}, "to"),
        ("PUT", "/jump", {"to": "9999-12-31T23:59:59-12:00"}, "to"),
        ("PUT", "/jump", {"to": "2130-01-01T00:00:00Z", "by": 1}, "by"),
        ("POST", "/step", {"seconds": -1}, "seconds"),
        ("POST", "/step", {"seconds": 10**12}, "seconds"),
        ("POST", "/step", {"minutes": 1}, "minutes"),
        ("PUT", "/player/{player}", {"offset_seconds": -1}, "offset_seconds"),
        ("PUT", "/player/{player}", {"offset_seconds": 10**12}, "offset_seconds"),
        ("PUT", "/player/{player}", {"seconds": 1}, "offset_seconds"),
    ],
)
async def test_bad_moves(
    client: httpx.AsyncClient, studio: Studio, method: str, rest: str, body: dict[str, Any], field: str
) -> None:
    frozen_at = await freeze(client, studio)
    player_id = uuid4()
    await studio.player_headers(player_id)
    path = clock_path(studio, rest.replace("{player}", str(player_id)))
    reply = await client.request(method, path, json=body, auth=studio.basic)
    assert reply.status_code == 422, reply.text
    assert field in [fault["property"] for fault in reply.json()["errorMessageExtended"]]
    assert await now_of(client, studio) == frozen_at


async def test_production_refuses(context: Context, studio: Studio) -> None:
    settings = context.settings
    context.settings = settings.model_copy(update={"mode": Mode.PRODUCTION})
    before = await project_of(studio)
    try:
        transport = httpx.ASGITransport(app=build_application(context))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8044") as client:
            for method, rest, body in (
                ("PUT", "/freeze", None),
                ("PUT", "/jump", {"to": "2130-01-01T00:00:00Z"}),
                ("POST", "/step", {}),
                ("PUT", "/resume", None),
                ("PUT", "/back", None),
            ):
                reply = await client.request(method, clock_path(studio, rest), json=body, auth=studio.basic)
                assert reply.status_code == 403, reply.text
                assert "serves players" in reply.json()["errorMessage"]
            player_id = uuid4()
            await studio.player_headers(player_id)
            path = clock_path(studio, f"/player/{player_id}")
            assert (await client.put(path, json={"offset_seconds": 5}, auth=studio.basic)).status_code == 403
            assert (await client.get(clock_path(studio), auth=studio.basic)).json()["snapshot"] is None
    finally:
        context.settings = settings
    assert await project_of(studio) == before
    assert await audited(context, studio) == []


async def test_one_call_at_a_time(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    db = context.database.session()
    async with db.begin():
        await actions.take_turn(context, db, studio.project_id)
        reply = await client.put(clock_path(studio, "/freeze"), auth=studio.basic)
    assert (reply.status_code, reply.json()["errorCode"]) == (409, 0)
    await freeze(client, studio)


async def test_too_much_to_keep(client: httpx.AsyncClient, studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "ROWS_MAX", 0)
    reply = await client.put(clock_path(studio, "/freeze"), auth=studio.basic)
    assert reply.status_code == 422
    state = (await client.get(clock_path(studio), auth=studio.basic)).json()
    assert (state["is_frozen"], state["snapshot"]) == (False, None)


async def test_limits_begin_anew_across_a_jump(client: httpx.AsyncClient, studio: Studio) -> None:
    limits = {
        "per_user": 1,
        "recurrent_schedule": {"per_user": {"interval_type": "daily", "time": "00:00:00+00:00"}},
    }
    sku, currency = await sell_for(client, studio, 10, limits=limits)
    buyer = await make_buyer(studio)
    await fund(buyer, currency, 100)
    frozen_at = await freeze(client, studio)
    assert (await buy(client, buyer, sku, currency)).status_code == 200
    assert (await buy(client, buyer, sku, currency)).status_code == 422
    midnight = (frozen_at + DAY).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    await jump(client, studio, midnight - timedelta(seconds=1))
    assert (await buy(client, buyer, sku, currency)).status_code == 422
    await step(client, studio, timedelta(seconds=1))
    assert (await buy(client, buyer, sku, currency)).status_code == 200


async def test_everything_falls_due_in_order(
    client: httpx.AsyncClient, studio: Studio, context: Context, receiver: Receiver
) -> None:
    db, project = context.database.session(), await project_of(studio)
    await save_endpoint(context, db, project, purpose=Purpose.STORE, url=receiver.url, secret=SECRET, is_enabled=True)
    limited = await sell_for_money(client, studio, limits={"per_item": 1})
    start = await freeze(client, studio)
    first = await order_money(await make_buyer(studio), limited)
    receiver.answer_always(Answer(500))
    async with db.begin():
        await publish(db, await project_of(studio), make_event(), purpose=Purpose.STORE, player_key="player")
    await step(client, studio, timedelta(minutes=30))
    second = await order_money(await make_buyer(studio), await sell_for_money(client, studio))
    passed = await jump(client, studio, start + 2 * DAY)
    assert await state_of(studio, first) is await state_of(studio, second) is OrderState.EXPIRED
    moments = [at for at, _ in passed]
    assert moments == sorted(moments)
    assert [at for at, what in passed if what == "orders"] == [start + PAYABLE_FOR, second.expires_at]
    # 2 after 5, 7 after 15, 10 after 60 minutes (mode xsolla): of them 0, 5, 10, 25 had come before the jump.
    every = [0, 5, 10, *range(25, 116, 15), *range(175, 716, 60)]
    tried = [at - start for at, what in passed if what == "webhooks"]
    assert tried == [timedelta(minutes=minutes) for minutes in every if minutes > 30]
    assert len(receiver.received) == len(every)


@pytest.mark.parametrize("mode", list(DeliveryMode))
async def test_retries_come_in_order_of_time(
    client: httpx.AsyncClient, studio: Studio, context: Context, receiver: Receiver, mode: DeliveryMode
) -> None:
    await change_project(studio, delivery_mode=mode)
    sender = Sender(context, await project_of(studio))
    await sender.set_endpoint(receiver.url)
    start = await freeze(client, studio)
    receiver.answer_always(Answer(500))
    sender.project = await project_of(studio)
    ids = [await sender.publish("one"), await sender.publish("two"), await sender.publish("one")]
    passed = await jump(client, studio, start + 30 * DAY)
    assert {what for _, what in passed} == {"webhooks"}
    attempts = [attempt.started_at for each in ids for attempt in (await sender.inspect(each)).attempts]
    assert len(attempts) == len(receiver.received)
    assert sorted(set(attempts)) == [at for at, _ in passed]
    states = {(await sender.inspect(each)).row.status for each in ids}
    assert DeliveryStatus.PENDING not in states
    assert (await client.get(clock_path(studio), auth=studio.basic)).json()["next_due_at"] is None


async def test_a_payment_that_is_answered_late(client: httpx.AsyncClient, studio: Studio) -> None:
    await freeze(client, studio)
    purchase = await make_payable(client, await make_buyer(studio))
    await purchase.pay(LATE)
    assert (await purchase.payment()).state is PaymentState.PROCESSING
    passed = await step(client, studio)
    assert passed[0][1] == "payments"
    assert (await purchase.payment()).state is PaymentState.DONE


async def test_a_jump_that_takes_long_is_gone_on_with(
    client: httpx.AsyncClient, studio: Studio, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    sku = await sell_for_money(client, studio)
    start = await freeze(client, studio)
    order = await order_money(await make_buyer(studio), sku)
    monkeypatch.setattr(actions, "JUMP_SECONDS_MAX", 0.0)
    body = {"to": (start + 2 * DAY).isoformat()}
    reply = await client.put(clock_path(studio, "/jump"), json=body, auth=studio.basic)
    assert reply.json()["has_arrived"] is False
    assert await now_of(client, studio) == start
    monkeypatch.undo()
    assert await jump(client, studio, start + 2 * DAY) == [(order.expires_at, "orders")]


async def test_a_repeated_step_is_one_step(client: httpx.AsyncClient, studio: Studio) -> None:
    start = await freeze(client, studio)
    for _ in range(2):
        headers = {"Idempotency-Key": "step"}
        reply = await client.post(clock_path(studio, "/step"), json={"seconds": 60}, auth=studio.basic, headers=headers)
        assert reply.status_code == 200
    assert await now_of(client, studio) == start + timedelta(minutes=1)


async def test_set_player_clock(client: httpx.AsyncClient, studio: Studio) -> None:
    start = await freeze(client, studio)
    opens = (start + 10 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")
    sku = await sell(client, studio, catalog.virtual_item(periods=[{"date_from": opens, "date_until": None}]))
    ahead, other = await make_buyer(studio), await make_buyer(studio)
    path = clock_path(studio, f"/player/{ahead.player_id}")
    reply = await client.put(path, json={"offset_seconds": 11 * 86400}, auth=studio.basic)
    assert reply.status_code == 200, reply.text
    assert datetime.fromisoformat(reply.json()["now"]) == start + 11 * DAY
    assert await read_skus(client, studio, "/virtual_items", headers=ahead.headers) == [sku]
    assert await read_skus(client, studio, "/virtual_items", headers=other.headers) == []
    assert await read_skus(client, studio, "/virtual_items") == []
    order = {"sandbox": True}
    bought = f"/api/v2/project/{studio.project_id}/payment/item/{sku}"
    assert (await client.post(bought, json=order, headers=other.headers)).status_code == 422
    assert (await client.post(bought, json=order, headers=ahead.headers)).status_code == 200
    await client.put(path, json={"offset_seconds": 0}, auth=studio.basic)
    assert await read_skus(client, studio, "/virtual_items", headers=ahead.headers) == []


async def test_a_players_own_time_is_that_of_cart_and_inventory(client: httpx.AsyncClient, studio: Studio) -> None:
    start = await freeze(client, studio)
    closes = (start + 10 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")
    week = {"expiration_period": {"type": "week", "value": 1}, "consumable": None}
    body = catalog.virtual_item(periods=[{"date_from": None, "date_until": closes}], inventory_options=week)
    sku = await sell(client, studio, body)
    buyer = await make_buyer(studio)
    await pay(studio, await order_money(buyer, sku))
    await fill(client, buyer, sku)

    async def seen() -> tuple[str, int, bool]:
        own = f"/api/v2/project/{studio.project_id}"
        found = []
        for rest in ("/user/time_limited_items", "/user/inventory/items", "/cart"):
            for _ in range(2):  # the second time it is answered from memory
                reply = await client.get(f"{own}{rest}", headers=buyer.headers)
                assert reply.status_code == 200, reply.text
            found.append(reply.json()["items"])
        limited, owned, lines = found
        return limited[0]["status"], len(owned), lines[0]["can_be_bought"]

    assert await seen() == ("active", 1, True)
    path = clock_path(studio, f"/player/{buyer.player_id}")
    await client.put(path, json={"offset_seconds": 11 * 86400}, auth=studio.basic)
    assert await seen() == ("expired", 0, False)
    await client.put(path, json={"offset_seconds": 0}, auth=studio.basic)
    assert await seen() == ("active", 1, True)


async def test_a_players_own_time_is_that_of_every_purchase(client: httpx.AsyncClient, studio: Studio) -> None:
    """Also where a purchase is answered without the ordinary way."""
    start = await freeze(client, studio)
    opens = (start + 10 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")
    periods = [{"date_from": opens, "date_until": None}]
    sku, currency = await sell_for(client, studio, 10, periods=periods)
    free = await sell_free(client, studio, periods=periods)
    buyer = await make_buyer(studio)
    await fund(buyer, currency, 100)

    async def statuses() -> set[int]:
        bought = [await buy(client, buyer, sku, currency) for _ in range(3)]
        taken = [await take_free(client, buyer, free) for _ in range(3)]
        return {reply.status_code for reply in (*bought, *taken)}

    assert await statuses() == {422}
    path = clock_path(studio, f"/player/{buyer.player_id}")
    await client.put(path, json={"offset_seconds": 11 * 86400}, auth=studio.basic)
    assert await statuses() == {200}


async def test_what_a_payment_gives_begins_at_the_players_time(client: httpx.AsyncClient, studio: Studio) -> None:
    start = await freeze(client, studio)
    week = {"expiration_period": {"type": "week", "value": 1}, "consumable": None}
    sku = await sell_for_money(client, studio, inventory_options=week)
    buyer = await make_buyer(studio)
    path = clock_path(studio, f"/player/{buyer.player_id}")
    await client.put(path, json={"offset_seconds": 30 * 86400}, auth=studio.basic)
    ordered = (await order_item(client, buyer, sku)).json()
    purchase = Purchase(studio, buyer, sku, ordered["order_id"], ordered["token"])
    await purchase.pay()
    reply = await client.get(f"/api/v2/project/{studio.project_id}/user/time_limited_items", headers=buyer.headers)
    (owned,) = reply.json()["items"]
    assert owned["status"] == "active"
    assert owned["expired_at"] == int((start + 37 * DAY).timestamp())


async def test_a_worker_beside_changes_nothing(
    client: httpx.AsyncClient, studio: Studio, context: Context, receiver: Receiver
) -> None:
    """A worker takes what is due as soon as it is: whoever sends it, each attempt is made at its own time."""
    worker = build_worker(context)
    working = asyncio.create_task(worker.run())
    try:
        sender = Sender(context, await project_of(studio))
        await sender.set_endpoint(receiver.url)
        start = await freeze(client, studio)
        receiver.answer_always(Answer(500))
        sender.project = await project_of(studio)
        ids = [await sender.publish(player) for player in ("one", "two")]
        await jump(client, studio, start + 30 * DAY)
    finally:
        await worker.stop()
        await working
    every = [0, 5, 10, *range(25, 116, 15), *range(175, 716, 60)]
    first, second = [[each.started_at for each in (await sender.inspect(one)).attempts] for one in ids]
    assert first == [start + timedelta(minutes=minutes) for minutes in every]
    # One after another: the second's own schedule begins when the first is given up.
    assert second == [first[-1] + timedelta(minutes=minutes) for minutes in every]


async def test_get_player_clock(client: httpx.AsyncClient, studio: Studio) -> None:
    buyer = await make_buyer(studio)
    path = clock_path(studio, f"/player/{buyer.player_id}")
    assert (await client.get(path, auth=studio.basic)).json()["offset_seconds"] == 0
    await client.put(path, json={"offset_seconds": 60}, auth=studio.basic)
    assert (await client.get(path, auth=studio.basic)).json()["offset_seconds"] == 60
    unknown = clock_path(studio, f"/player/{uuid4()}")
    assert (await client.get(unknown, auth=studio.basic)).status_code == 404
    assert (await client.put(unknown, json={"offset_seconds": 1}, auth=studio.basic)).status_code == 404


async def test_take_clock_back_without_a_freeze(client: httpx.AsyncClient, studio: Studio) -> None:
    reply = await client.put(clock_path(studio, "/back"), auth=studio.basic)
    assert reply.status_code == 404


async def test_take_clock_back_of_another_version(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    await freeze(client, studio)
    async with context.database.connection() as connection:
        await connection.execute(
            "UPDATE clock_snapshots SET schema_revision = 'older' WHERE project_id = $1", studio.project_id
        )
    reply = await client.put(clock_path(studio, "/back"), auth=studio.basic)
    assert (reply.status_code, "older" in reply.json()["errorMessage"]) == (409, True)
    await freeze(client, studio)
    await go_back(client, studio)

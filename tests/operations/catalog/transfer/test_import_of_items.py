"""Imports of items from a file on another server: what is asked, what becomes of it, what is refused of it."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest
from sqlalchemy import select

from haversack.app import build_application
from haversack.catalog.tables import imports
from haversack.catalog.transfer import queries, running
from haversack.catalog.transfer.records import ImportMode, ImportStatus
from haversack.context import Context, open_context
from haversack.inventory.ledger import STUDIO, stock_row
from haversack.limits.queries import sell_reserved_stock
from haversack.limits.reserving import hold_stock
from haversack.settings import Settings
from make import catalog, taxonomy
from make.catalog import version_of
from make.inventory import book
from make.projects import Studio
from make.receiver import Answer, Fault, Receiver
from make.transfer import (
    JSON,
    errors_of,
    export_bytes,
    export_of,
    import_file,
    import_path,
    message_of,
    read_status,
    send_import,
    skus_of,
    status_path,
)


def small_file(**arrays: Any) -> dict[str, Any]:
    """A file as the platform takes it, with one item of each kind that it may have."""
    return {
        "virtual_currency": [catalog.virtual_currency(sku="gold")],
        "virtual_items": [catalog.virtual_item(sku="lamp"), catalog.virtual_item(sku="rope")],
        "virtual_currency_packages": [catalog.package("gold", sku="sack")],
        "bundles": [catalog.bundle("lamp", "sack", sku="crate")],
        **arrays,
    }


# -- What is asked --------------------------------------------------------------------------------------------------


async def test_import_items_from_external_file(client: httpx.AsyncClient, studio: Studio, receiver: Receiver) -> None:
    receiver.answer_next(Answer(200, orjson.dumps(small_file()), {"Content-Type": "application/json; charset=utf-8"}))
    reply = await send_import(client, studio, receiver.url)
    assert reply.status_code == 201
    assert UUID(reply.json()["import_id"])
    (request,) = receiver.received
    assert (request.method, request.headers["accept-encoding"]) == ("GET", "identity")
    await studio.context.imports.wait()
    status = await read_status(client, studio)
    assert status["status"] == "done"
    assert (await catalog.get_item(client, studio, "virtual_item", "lamp"))["prices"][0]["amount"] == 9.99
    crate = await catalog.get_item(client, studio, "bundle", "crate")
    assert [entry["sku"] for entry in crate["content"]] == ["lamp", "sack"]


async def test_get_items_import_status(client: httpx.AsyncClient, studio: Studio, receiver: Receiver) -> None:
    reply = await client.get(status_path(studio), auth=studio.basic)
    assert (reply.status_code, reply.json()["errorCode"]) == (404, 0)
    status = await import_file(client, studio, receiver, small_file())
    dates = [status.pop(name) for name in ("date_created", "date_updated", "date_completed")]
    assert [datetime.fromisoformat(date).utcoffset() for date in dates] == [timedelta(hours=3)] * 3
    assert status == {
        "status": "done",
        "progress": 100,
        "error": None,
        "error_code": None,
        "result": {"errors_count": 0, "total_entities_count": 5, "errors_by_sku": []},
    }


async def test_import_items_from_external_file_without_prefix(
    client: httpx.AsyncClient, studio: Studio, receiver: Receiver
) -> None:
    receiver.answer_next(Answer(200, orjson.dumps(small_file()), JSON))
    body = {"connector_external_id": "import_items", "file_url": receiver.url}
    reply = await client.post(import_path(studio).removeprefix("/api"), json=body, auth=studio.basic)
    assert reply.status_code == 201
    await studio.context.imports.wait()


async def test_get_items_import_status_without_prefix(client: httpx.AsyncClient, studio: Studio) -> None:
    path = status_path(studio).removeprefix("/api")
    assert (await client.get(path, auth=studio.basic)).status_code == 404
    db = studio.context.database.session()
    await queries.add_import(db, studio.project_id, uuid4(), file_url="f", mode=ImportMode.CREATE)
    reply = await client.get(path, auth=studio.basic)
    assert (reply.status_code, reply.json()["status"], reply.json()["date_completed"]) == (200, "initialized", "")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"connector_external_id": "import_users"}, "connector_external_id"),
        ({"mode": "replace"}, "mode"),
        ({"file_url": ""}, "file_url"),
        ({"surprise": 1}, "surprise"),
    ],
)
async def test_import_of_items_bad_body(
    client: httpx.AsyncClient, studio: Studio, changes: dict[str, Any], field: str
) -> None:
    body = {"connector_external_id": "import_items", "file_url": "http://127.0.0.1:1/f.json", **changes}
    reply = await client.post(import_path(studio), json=body, auth=studio.basic)
    assert (reply.status_code, reply.json()["errorCode"]) == (422, 1102)
    assert set(catalog.faults(reply)) == {field}


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (Answer(200, b"{}", {"Content-Type": "text/plain"}), 1803, "current content type: text/plain"),
        (Answer(200, b"{}"), 1803, "current content type: none"),
        (Answer(404, b"{}", JSON), 1102, "answers with status 404"),
        (Answer(302, b"", {**JSON, "Location": "/other"}), 1102, "answers with status 302"),
        (Answer(200, b"x" * 7_000_001, JSON), 1102, "is larger than 7000000 bytes"),
        (Answer(200, b"x", {**JSON, "Content-Encoding": "gzip"}), 1102, "is encoded as gzip"),
        (Answer(fault=Fault.DROP), 1102, "cannot be fetched"),
        (Answer(fault=Fault.CUT, status=200, body=b"{", headers=JSON), 1102, "cannot be fetched"),
    ],
    ids=["plain", "no type", "404", "redirect", "large", "gzip", "dropped", "cut"],
)
async def test_import_of_items_without_a_file(
    client: httpx.AsyncClient, studio: Studio, receiver: Receiver, answer: Answer, code: int, words: str
) -> None:
    receiver.answer_always(answer)
    reply = await send_import(client, studio, receiver.url)
    assert (reply.status_code, reply.json()["errorCode"]) == (422, code)
    assert words in reply.json()["errorMessage"]
    assert (await client.get(status_path(studio), auth=studio.basic)).status_code == 404


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest", "http://10.0.0.7/f.json", "ftp://example.com/f", "file:///etc/passwd"]
)
async def test_import_of_items_from_inside(client: httpx.AsyncClient, studio: Studio, url: str) -> None:
    reply = await send_import(client, studio, url)
    assert (reply.status_code, set(catalog.faults(reply))) == (422, {"file_url"})


async def test_import_of_items_is_begun_once_for_a_key(
    client: httpx.AsyncClient, studio: Studio, receiver: Receiver
) -> None:
    receiver.answer_next(Answer(200, orjson.dumps(small_file()), JSON))
    headers = {"Idempotency-Key": uuid4().hex}
    first = await send_import(client, studio, receiver.url, headers=headers)
    # The file is gone meanwhile, and the answer is the first one all the same.
    receiver.answer_always(Answer(404, b"", JSON))
    second = await send_import(client, studio, receiver.url, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    await studio.context.imports.wait()


# -- What becomes of items ------------------------------------------------------------------------------------------


async def test_import_twice_is_once(client: httpx.AsyncClient, studio: Studio, receiver: Receiver) -> None:
    await import_file(client, studio, receiver, small_file())
    before, version = await export_bytes(studio), await version_of(studio)
    lamp = await catalog.get_item(client, studio, "virtual_item", "lamp")
    status = await import_file(client, studio, receiver, small_file())
    assert (status["status"], status["result"]["total_entities_count"]) == ("done", 5)
    assert await export_bytes(studio) == before
    assert await catalog.get_item(client, studio, "virtual_item", "lamp") == lamp
    assert await version_of(studio) == version, "nothing has changed, so nobody compiles anything anew"


async def test_two_imports_at_once_are_one(client: httpx.AsyncClient, studio: Studio, receiver: Receiver) -> None:
    goods = [catalog.virtual_item(sku=f"lamp-{n}", attributes=[attribute(f"a{n % 7}")]) for n in range(450)]
    file = orjson.dumps(small_file(virtual_items=[*small_file()["virtual_items"], *goods]))
    receiver.answer_always(Answer(200, file, JSON))
    replies = await asyncio.gather(*(send_import(client, studio, receiver.url) for _ in range(3)))
    assert [reply.status_code for reply in replies] == [201] * 3
    await studio.context.imports.wait()
    statement = select(imports.c.status, imports.c.result).where(imports.c.project_id == studio.project_id)
    rows = await studio.context.database.session().fetch_all(statement)
    assert [(row["status"], row["result"]["faults"]) for row in rows] == [("done", [])] * 3
    assert len(skus_of(await export_of(studio))) == 455


def attribute(external_id: str, *values: str) -> dict[str, Any]:
    return {"external_id": external_id, "values": [{"external_id": each, "value": {"en": each}} for each in values]}


@pytest.mark.parametrize(
    ("mode", "price_of_lamp", "has_rope"),
    [("create", 9.99, True), ("create_and_update", 5, True), ("sync", 5, False)],
)
async def test_modes_of_imports(
    client: httpx.AsyncClient, studio: Studio, receiver: Receiver, mode: str, price_of_lamp: float, has_rope: bool
) -> None:
    await import_file(client, studio, receiver, small_file())
    await catalog.make_item(client, studio, "game", catalog.game(catalog.game_key(sku="sea_steam"), sku="sea"))
    changed = small_file(
        virtual_items=[catalog.virtual_item(sku="lamp", prices=[catalog.price(5)]), catalog.virtual_item(sku="new")]
    )
    status = await import_file(client, studio, receiver, changed, mode=mode)
    assert (status["status"], errors_of(status)) == ("done", {})
    lamp, rope, new = [await catalog.get_item(client, studio, "virtual_item", sku) for sku in ("lamp", "rope", "new")]
    assert lamp["prices"][0]["amount"] == price_of_lamp
    assert (rope["is_enabled"], rope["is_show_in_store"]) == (True, has_rope)
    assert new["is_show_in_store"] is True
    # Such files do not speak of games.
    sea = await catalog.get_item(client, studio, "game", "sea")
    assert (sea["is_show_in_store"], sea["unit_items"][0]["is_show_in_store"]) == (True, True)


async def test_sync_leaves_alone_what_is_refused_or_unavailable(
    client: httpx.AsyncClient, studio: Studio, receiver: Receiver
) -> None:
    off = catalog.virtual_item(sku="off", is_enabled=False)
    await import_file(client, studio, receiver, small_file(virtual_item=[off]))
    faulty = catalog.virtual_item(sku="rope", prices=[catalog.price(5, is_default=False)])
    status = await import_file(client, studio, receiver, {"virtual_items": [faulty]}, mode="sync")
    assert errors_of(status) == {"rope": 4055}
    shown = {item["sku"]: item["is_show_in_store"] for item in (await export_of(studio))["items"]}
    assert shown == {"gold": False, "lamp": False, "rope": True, "sack": False, "crate": False, "off": True}


async def test_items_of_a_file_may_name_each_other_in_any_order(
    client: httpx.AsyncClient, studio: Studio, receiver: Receiver
) -> None:
    file = {
        "bundles": [catalog.bundle("big", sku="bigger"), catalog.bundle("lamp", "sack", sku="big")],
        "virtual_currency_packages": [catalog.package("gems", sku="sack")],
        "virtual_items": [catalog.virtual_item(sku="lamp", vc_prices=[{"sku": "gems", "amount": 4}])],
        "virtual_currency": [
            catalog.virtual_currency(sku="gems", vc_prices=[{"sku": "gold", "amount": 2}]),
            catalog.virtual_currency(sku="gold", vc_prices=[{"sku": "gems", "amount": 3}]),
        ],
    }
    status = await import_file(client, studio, receiver, file)
    assert (status["status"], errors_of(status)) == ("done", {})
    # Equals in a list stand the newest first: the order of the file is that of being made.
    assert skus_of(await export_of(studio)) == ["bigger", "big", "sack", "lamp", "gems", "gold"]


async def test_an_import_is_in_the_catalog_when_it_is_done(
    client: httpx.AsyncClient, studio: Studio, receiver: Receiver
) -> None:
    url = f"/api/v2/project/{studio.project_id}/items/virtual_items"
    assert (await client.get(url)).json()["items"] == []
    await import_file(client, studio, receiver, small_file())
    assert {item["sku"] for item in (await client.get(url)).json()["items"]} == {"lamp", "rope"}


async def test_a_file_made_of_answers(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, receiver: Receiver
) -> None:
    """What admin reads answer can be imported as it is; what follows from the rest is dropped."""
    for each in (studio, other_studio):
        await taxonomy.make_group(client, each, "lamps")
    schedule = {"per_user": {"interval_type": "monthly", "day_of_month": 31, "time": "00:00:00+00:00"}}
    limits = {"per_user": {"total": 2}, "per_item": 9, "recurrent_schedule": schedule}
    lamp = catalog.virtual_item(
        sku="lamp", groups=["lamps"], limits=limits, description=None, vc_prices=[{"sku": "gold", "amount": 2}]
    )
    bundle = catalog.bundle(
        "lamp", sku="crate", prices=[catalog.price("19.90")], vc_prices=[{"sku": "gold", "amount": 40}]
    )
    game = catalog.game(catalog.game_key(sku="sea_steam", limits={"per_user": 1}), sku="sea")
    for kind, body in (
        ("virtual_currency", catalog.virtual_currency(sku="gold")),
        ("virtual_item", lamp),
        ("package", catalog.package("gold", sku="sack")),
        ("bundle", bundle),
        ("game", game),
    ):
        await catalog.make_item(client, studio, kind, body)
    file = {
        "virtual_currency": [await catalog.get_item(client, studio, "virtual_currency", "gold")],
        "virtual_good": [await catalog.get_item(client, studio, "virtual_item", "lamp")],
        "virtual_currency_package": [await catalog.get_item(client, studio, "package", "sack")],
        "bundle": [await catalog.get_item(client, studio, "bundle", "crate")],
        "game": [await catalog.get_item(client, studio, "game", "sea")],
    }
    derived = {"regional_prices": [], "can_be_bought": True, "promotions": [], "project_id": 1, "is_deleted": False}
    file["virtual_good"] = [item | derived for item in file["virtual_good"]]
    status = await import_file(client, other_studio, receiver, file)
    assert (status["status"], errors_of(status)) == ("done", {})
    ours, theirs = await export_of(studio), await export_of(other_studio)
    # An answer says of every virtual item which type it is, and of every key that it is no pre-order.
    for item in theirs["items"]:
        item.pop("virtual_item_type", None)
        for key in item.get("unit_items", ()):
            assert key.pop("pre_order") == {"release_date": None, "is_enabled": False}
    assert theirs["items"] == ours["items"]


# -- What is refused ------------------------------------------------------------------------------------------------


async def test_every_faulty_row_is_named(client: httpx.AsyncClient, studio: Studio, receiver: Receiver) -> None:
    await catalog.make_item(client, studio, "virtual_item", catalog.virtual_item(sku="taken"))
    await catalog.make_item(client, studio, "virtual_item", catalog.virtual_item(sku="gone"))
    await client.delete(catalog.admin_path(studio, "virtual_item", "/sku/gone"), auth=studio.basic)
    file = small_file(
        virtual_item=[
            catalog.virtual_item(sku=""),
            {"name": {"en": "Nameless"}},
            "no object",
            catalog.virtual_item(sku="twice"),
            catalog.virtual_item(sku="twice"),
            catalog.virtual_item(sku="gone"),
            catalog.virtual_item(sku="dear", prices=[catalog.price(-1)]),
            catalog.virtual_item(sku="odd", colour="red", prices=[catalog.price(5, "XXZ")]),
            catalog.virtual_item(sku="lost", groups=["nowhere"]),
            catalog.virtual_item(sku="far", regions=[{"id": 4711}]),
            catalog.virtual_item(sku="nul", name={"en": "a\x00b"}),
            catalog.virtual_item(sku="many", attributes=[attribute("a", *"abcdefg")]),
            catalog.virtual_item(sku="half", prices=[catalog.price(5, is_default=False)]),
        ],
        bundle=[
            catalog.bundle("lamp", sku="taken"),
            catalog.bundle("ring-b", sku="ring-a"),
            catalog.bundle("ring-a", sku="ring-b"),
            catalog.bundle("lost", sku="holder"),
            catalog.bundle("holder", sku="holder-of-holder"),
        ],
        promotions=[],
    )
    status = await import_file(client, studio, receiver, file)
    assert (status["status"], status["progress"], status["error"]) == ("error", 100, None)
    assert status["date_completed"] != ""
    faults = status["result"]["errors_by_sku"]
    assert [fault["error_code"] for fault in faults if fault["sku"] == ""] == [1817, 1817, 1102]
    assert errors_of(status) == {
        "": 1102,
        "twice": 4002,
        "gone": 4002,
        "dear": 1102,
        "odd": 1102,
        "lost": 4403,
        "far": 9701,
        "nul": 1102,
        "many": 9909,
        "half": 4055,
        "taken": 4002,
        "ring-a": 1102,
        "ring-b": 1102,
        "holder": 1102,
        "holder-of-holder": 1102,
        "promotions": 1102,
    }
    assert status["result"]["errors_count"] == len(faults) == 18
    assert "nowhere" in message_of(status, "lost")
    assert "colour" in message_of(status, "odd") and "prices.0.currency" in message_of(status, "odd")
    assert "contains ring-a itself" in message_of(status, "ring-a")
    assert {fault["type"] for fault in faults if fault["sku"] in ("odd", "holder")} == {"virtual_good", "bundle"}
    # The others are there, whole.
    assert set(skus_of(await export_of(studio))) == {"taken", "gold", "lamp", "rope", "sack", "crate", "twice"}


async def test_rows_of_many_levels_are_named(client: httpx.AsyncClient, studio: Studio, receiver: Receiver) -> None:
    deep = "[" * 1_000 + '"\\u0000"' + "]" * 1_000
    lamp = '{"sku": "%s", "name": {"en": "Lamp"}, "description": {"en": "Light."}, "custom_attributes": {"a": %s}}'
    kinds = (
        f'"virtual_items": [{lamp % ("shallow", 1)}, {lamp % ("deep", deep)}, {{"sku": {deep}}}]',
        f'"groups": [{deep}]',
    )
    status = await import_file(client, studio, receiver, f"{{{', '.join(kinds)}}}".encode())
    assert (status["status"], status["error"]) == ("error", None)
    assert errors_of(status) == {"deep": 1102, "": 1102}
    assert "nested deeper than 64 levels" in message_of(status, "deep")
    assert skus_of(await export_of(studio)) == ["shallow"]
    broken = await import_file(client, studio, receiver, f'{{"items": [{{"kind": 1, "sku": {deep}}}]}}'.encode())
    assert (broken["error"], errors_of(broken)) == (None, {"": 1102})


async def test_a_row_is_all_or_nothing(client: httpx.AsyncClient, studio: Studio, receiver: Receiver) -> None:
    lamp = catalog.virtual_item(sku="lamp", limits={"per_item": 5})
    item_id = (await catalog.make_item(client, studio, "virtual_item", lamp))["item_id"]
    await sell(studio, item_id, 3)
    changed = catalog.virtual_item(
        sku="lamp", name={"en": "Other"}, limits={"per_item": 2}, attributes=[attribute("fresh", "x")]
    )
    status = await import_file(client, studio, receiver, {"virtual_items": [changed, catalog.virtual_item(sku="rope")]})
    assert errors_of(status) == {"lamp": 1023}
    exported = await export_of(studio)
    assert [item["name"] for item in exported["items"]] == [{"en": "Lamp"}, {"en": "Lamp"}]
    assert exported["attributes"] == [], "what the refused row brought with it is not left behind"


async def sell(studio: Studio, item_id: int, quantity: int) -> None:
    db = studio.context.database.session()
    assert await hold_stock(db, studio.project_id, item_id, quantity)
    assert await sell_reserved_stock(db, studio.project_id, item_id, quantity)
    await book(studio, STUDIO, stock_row(item_id, "sold", quantity))


async def test_what_only_the_database_knows_is_named(
    client: httpx.AsyncClient, studio: Studio, receiver: Receiver
) -> None:
    """A full attribute is only met in the database: the rows of its batch are then written one by one."""
    await taxonomy.make_attribute(client, studio, "art", values=[f"v{n}" for n in range(19)])
    goods = [catalog.virtual_item(sku=f"lamp-{n}", attributes=[attribute("art", f"new-{n}")]) for n in range(3)]
    holder = catalog.bundle("lamp-1", sku="holder")
    status = await import_file(client, studio, receiver, {"virtual_items": goods, "bundles": [holder]})
    assert errors_of(status) == {"lamp-1": 9908, "lamp-2": 9908, "holder": 1102}
    assert skus_of(await export_of(studio)) == ["lamp-0"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "not valid JSON"),
        (b"[]", "one JSON object"),
        (b"{}", "names no items"),
        (b'{"virtual_items": []}', "names no items"),
        (b'{"format": "haversack-catalog", "version": 99, "items": []}', "version up to 1"),
        (b'{"format": "other", "items": []}', "haversack-catalog"),
    ],
)
async def test_a_file_that_is_none(
    client: httpx.AsyncClient, studio: Studio, receiver: Receiver, content: bytes, words: str
) -> None:
    await catalog.make_item(client, studio)
    before = await export_bytes(studio)
    status = await import_file(client, studio, receiver, content, mode="sync")
    assert (status["status"], status["error_code"], status["date_completed"]) == ("error", "1102", "")
    assert words in status["error"]
    assert await export_bytes(studio) == before


# -- Processes that die ---------------------------------------------------------------------------------------------


async def test_an_import_whose_process_has_died(client: httpx.AsyncClient, studio: Studio, receiver: Receiver) -> None:
    db, import_id = studio.context.database.session(), uuid4()
    await queries.add_import(db, studio.project_id, import_id, file_url="f", mode=ImportMode.SYNC)
    await queries.save_progress(db, studio.project_id, import_id, 40)
    alive = await queries.find_last_import(db, studio.project_id)
    assert alive is not None and (alive.status, alive.progress) == (ImportStatus.PROCESS, 40)
    dead = await queries.find_last_import(db, studio.project_id, abandoned_after=timedelta())
    assert dead is not None and (dead.status, dead.error) == (ImportStatus.ERROR, queries.BROKEN_OFF)
    # It can be sent again.
    assert (await import_file(client, studio, receiver, small_file()))["status"] == "done"


async def test_an_import_that_a_shutdown_breaks_off(
    client: httpx.AsyncClient,
    studio: Studio,
    receiver: Receiver,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun = asyncio.Event()

    async def never_ends(*_: Any, **__: Any) -> list[Any]:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    monkeypatch.setattr(running, "write_catalog", never_ends)
    receiver.answer_next(Answer(200, orjson.dumps(small_file()), JSON))
    async with open_context(settings) as other:
        transport = httpx.ASGITransport(app=build_application(other))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8044") as client_of_other:
            assert (await send_import(client_of_other, studio, receiver.url)).status_code == 201
        await begun.wait()
        assert (await read_status(client, studio))["status"] == "process"
    # Nobody has to wait until it is seen to go on no more.
    status = await read_status(client, studio)
    assert (status["status"], status["error"], status["date_completed"]) == ("error", queries.BROKEN_OFF, "")


async def test_an_import_that_meets_a_bug(
    client: httpx.AsyncClient, studio: Studio, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(*_: Any, **__: Any) -> list[Any]:
        raise RuntimeError("hush")

    monkeypatch.setattr(running, "write_catalog", breaks)
    status = await import_file(client, studio, receiver, small_file())
    assert (status["status"], status["error_code"]) == ("error", "1000")
    assert "The log has it" in status["error"] and "hush" not in status["error"]


async def test_progress_is_told(context: Context, studio: Studio) -> None:
    seen: list[tuple[int, int]] = []

    async def tell(done: int, total: int) -> None:
        record = await queries.find_last_import(context.database.session(), studio.project_id)
        assert record is not None
        seen.append((record.progress, done))

    project = await context.directory.find_project(studio.project_id)
    assert project is not None
    raw = orjson.dumps({"virtual_items": [catalog.virtual_item() for _ in range(450)]})
    faults = await running.import_file(context, project, raw, name="f.json", mode=ImportMode.CREATE, progress=tell)
    assert faults == []
    assert seen == [(0, 0), (44, 200), (88, 400)]

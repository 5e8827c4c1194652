"""Purchases for a virtual currency by HTTP, against pgbench with the same function and with a reference purchase."""

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx

from benchmarks.bed import Bed, Served, measure_load, open_bed, serving
from benchmarks.figures import Figure, Sample, interleave
from benchmarks.load import build_request
from benchmarks.processes import MEASURED_CORE, pin
from haversack.database.embedded.lodging import find_programs
from haversack.database.engine import Session
from haversack.orders import buying_together, checkout, preparing
from haversack.projects.queries import find_project

PLAYERS = 400
CONNECTIONS = 8
# As many players as buy in one call of the database.
MANY = 32
SECONDS = 3.0
ROUNDS = 5
PURSE = 1_000_000_000
PRICE = 70
WANTED_RATE = 1_900
WANTED_PART = 0.5
# What 1,900 is of the reference purchase on the machine that both were measured on.
WANTED_OF_REFERENCE = 0.48
REFERENCE = Path(__file__).with_name("reference_purchase.sql")
REFERENCE_SCRIPT = (
    "\\set player random(1, 400)\n\\set item random(1, 10)\nSELECT reference.buy(:player, :item, 1000000000);\n"
)
# Players are told apart by their number, which pgbench can make.
PLAYER = "00000000-0000-4000-8000-{:012d}"
# What differs from one purchase to the next, as pgbench makes it.
DIFFERENT = {
    "players": "ARRAY[('00000000-0000-4000-8000-' || lpad(:player::text, 12, '0'))::uuid]",
    "turns": "ARRAY[:player::bigint]",
    "orders": "ARRAY[nextval('order_ids')::integer]",
    "nows": "ARRAY[now()]",
    "events": "ARRAY['evt_' || gen_random_uuid()]",
}


async def run() -> list[Figure]:
    """Purchases per second, each of a player chosen in turn, all committed."""
    async with open_bed() as bed, serving(bed) as served:
        path, headers, script = await _prepare(bed, served)
        script_file = bed.folder / "purchase.sql"
        script_file.write_text(script)
        reference_file = bed.folder / "reference.sql"
        reference_file.write_text(REFERENCE_SCRIPT)
        async with bed.context.database.connection() as connection:
            await connection.execute(REFERENCE.read_text())
        measured = await interleave(
            {
                "reference": lambda: _measure_pgbench(bed, reference_file),
                "pgbench": lambda: _measure_pgbench(bed, script_file),
                "served": lambda: _measure_served(served, path, headers, CONNECTIONS),
                "many": lambda: _measure_served(served, path, headers, MANY),
            },
            rounds=ROUNDS,
        )
    reference, bare, by_http, many = (measured[side] for side in ("reference", "pgbench", "served", "many"))
    part, of_reference = by_http["rate"].ratio(bare["rate"]), many["rate"].ratio(reference["rate"])
    return [
        reference["rate"].figure("reference purchase, pgbench", "purchases/s"),
        bare["rate"].figure("purchase, pgbench", "purchases/s", to=reference["rate"], to_name="the reference"),
        by_http["rate"].figure(
            f"purchase, by HTTP, {CONNECTIONS} at once",
            "purchases/s",
            to=bare["rate"],
            to_name="pgbench",
            wanted=f"at least {WANTED_PART} of pgbench",
            verdict=part >= WANTED_PART,
        ),
        by_http["latency_ms"].figure("the same: answer", "ms"),
        by_http["cpu_ms"].figure("the same: server CPU", "ms"),
        many["rate"].figure(
            f"purchase, by HTTP, {MANY} at once",
            "purchases/s",
            to=reference["rate"],
            to_name="the reference",
            wanted=f"{WANTED_RATE:,}, or {WANTED_OF_REFERENCE} of the reference: {WANTED_RATE:,} where it does 3,960",
            verdict=many["rate"].middle >= WANTED_RATE or of_reference >= WANTED_OF_REFERENCE,
        ),
        many["latency_ms"].figure("the same: answer", "ms"),
        many["cpu_ms"].figure("the same: server CPU", "ms"),
    ]


async def _prepare(bed: Bed, served: Served) -> tuple[str, list[dict[str, str]], str]:
    """Players with money and an item with a limit: the path of a purchase, each player's headers, pgbench's script."""
    from make import catalog
    from make.projects import make_studio

    studio = await make_studio(bed.context)
    gold, lamp = (
        catalog.virtual_currency(sku="gold"),
        catalog.virtual_item(
            sku="lamp",
            prices=[],
            vc_prices=[{"sku": "gold", "amount": PRICE, "is_default": True, "is_enabled": True}],
            limits={"per_user": 1_000_000},
            inventory_options={"consumable": {"usages_count": 1}},
        ),
    )
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{served.port}") as client:
        await catalog.make_item(client, studio, "virtual_currency", gold)
        await catalog.make_item(client, studio, "virtual_item", lamp)
    async with bed.context.database.connection() as connection:
        await connection.execute(
            "INSERT INTO balances (project_id, player_id, sku, amount)"
            " SELECT $1, ('00000000-0000-4000-8000-' || lpad(number::text, 12, '0'))::uuid, 'gold', $2"
            " FROM generate_series(1, $3) AS number",
            studio.project_id,
            PURSE,
            PLAYERS,
        )
    players = [UUID(PLAYER.format(number)) for number in range(1, PLAYERS + 1)]
    headers = [await studio.player_headers(player_id) for player_id in players]
    path = f"/api/v2/project/{studio.project_id}/payment/item/lamp/virtual/gold"
    return path, headers, await _script(bed, studio.project_id, players[0])


async def _script(bed: Bed, project_id: int, player_id: UUID) -> str:
    """What pgbench runs: the values of a purchase as the server makes them, with those that differ made anew."""
    from make.orders import Buyer

    captured: dict[str, Any] = {}

    class Capturing(Session):
        async def fetch_value(self, statement: Any, **values: Any) -> Any:
            if statement is not buying_together.BUY_TOGETHER:
                return await super().fetch_value(statement, **values)
            captured.update(values)
            return None

    project = await find_project(bed.context.database.session(), project_id)
    assert project is not None
    wanted = preparing.Checkout(
        project=project,
        player=Buyer.identity_of(project.login_project_id, player_id),
        wanted=[preparing.Wanted("lamp", 1)],
        platform="xsolla",
    )
    db = Capturing(bed.context.database)
    # In a transaction of the caller a purchase goes by itself.
    async with db.begin():
        await checkout.order_for_virtual_currency(bed.context, db, wanted, "gold")
    statement = re.sub(
        r"CAST\(CAST\(:(\w+) AS text\) AS [a-z\[\]]+\)|:(\w+)",
        lambda found: DIFFERENT.get(found[1]) or _literal(captured[found[1] or found[2]]),
        str(buying_together.BUY_TOGETHER),
    )
    return f"\\set player random(1, {PLAYERS})\n{statement};\n"


def _literal(value: Any) -> str:
    """A value as PostgreSQL reads it, without a type of its own, so that the function's parameter gives it one."""
    if isinstance(value, list):
        return _quoted("{" + ", ".join(rf'"\\x{body.hex()}"' for body in value) + "}")
    return str(value) if isinstance(value, int) else _quoted(value)


def _quoted(value: str) -> str:
    # pgbench reads a colon before a letter as one of its variables; JSON takes a blank between them.
    return "'" + re.sub(r":(?=[a-zA-Z_])", ": ", value).replace("'", "''") + "'"


async def _measure_pgbench(bed: Bed, script: Path) -> Sample:
    """Eight clients on the core that the server has in its turn."""
    address = urlsplit(bed.url)
    options = parse_qs(address.query)
    environment = {
        **os.environ,
        "PGHOST": options["host"][0],
        "PGPORT": options["port"][0],
        "PGUSER": address.username or "",
        "PGPASSWORD": address.password or "",
        "PGDATABASE": address.path.lstrip("/"),
    }
    process = await asyncio.create_subprocess_exec(
        str(find_programs() / "bin" / "pgbench"),
        *("-n", "-M", "prepared", "-c", str(CONNECTIONS), "-j", "1", "-T", str(int(SECONDS)), "-f", str(script)),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    pin([process.pid], MEASURED_CORE)
    out, err = await process.communicate()
    found = re.search(rb"tps = ([0-9.]+)", out)
    if process.returncode or found is None:
        raise RuntimeError(f"pgbench ended with {process.returncode}: {err.decode()}")
    return {"rate": float(found[1])}


async def _measure_served(served: Served, path: str, headers: Sequence[Mapping[str, str]], connections: int) -> Sample:
    requests = [build_request("POST", path, {**each, "Content-Length": "0"}) for each in headers]
    return await measure_load(served, requests, connections=connections, seconds=SECONDS)

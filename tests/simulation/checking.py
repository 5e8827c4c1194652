"""The end of a simulated year: what the shop says of everything, against the simulation's books."""

from typing import Any

from haversack.catalog.read_model.live import STOCK_CHANGED
from make.clocks import now_of
from simulation import books as rules
from simulation.life import Life
from simulation.shop import GOLD
from simulation.visits import YEAR

# The provider's own books: what came in and has not gone back.
READ_CHARGES = """
SELECT order_id, charge.state, charge.amount - charge.refunded AS kept
FROM sandbox_charges AS charge JOIN payments USING (project_id, payment_id) WHERE project_id = $1
"""


async def check(life: Life) -> None:
    """Let what is open come to its end, and compare all of it."""
    buyer = life.shop.buyers[0]
    shown = await now_of(life.talk.client, life.shop.studio)
    assert shown == life.now and shown - life.shop.begins >= YEAR, f"{life.shop.begins} to {shown} is not a year"
    life.talk.breaks = 0.0
    await life.sweep(buyer)
    await life.jump_to(life.now + rules.PAYABLE_FOR * 2)
    await life.sweep(buyer)
    # Pages may show stock as it was a second ago by the machine's clock, and a simulated year is shorter than that.
    context = life.shop.studio.context
    context.notifications.publish_locally(STOCK_CHANGED, str(life.shop.studio.project_id))
    for buyer in life.shop.buyers:
        await life.look(buyer)
        await _check_limits(life, buyer)
        await _check_offer(life, buyer)
    assert all(purse.gold >= 0 for purse in life.books.purses.values())
    for good in life.shop.goods.values():
        left = rules.left_of(life.books, good)
        assert left is None or left >= 0, f"{good.sku} was sold above its limit"
    assert not any(life.books.held.values()), f"something is held by nobody: {life.books.held}"
    await _check_codes(life)
    await _check_payments(life)


async def _check_limits(life: Life, buyer: Any) -> None:
    """What is left of limited items, as the player's catalog says it."""
    shown: list[dict[str, Any]] = []
    kinds = {"bundle" if good.gives else "virtual_items" for good in life.shop.goods.values() if good.is_limited}
    for kind in sorted(kinds):
        shown += (await life.get(f"{life.api}/items/{kind}", buyer, params={"limit": 50}))["items"]
    for item in shown:
        good = life.shop.goods[item["sku"]]
        if good.sku == GOLD or item["limits"] is None:
            continue
        for_all, for_one = item["limits"]["per_item"], item["limits"]["per_user"]
        if for_all is not None:
            left = rules.left_of(life.books, good)
            assert for_all["available"] == left, f"{good.sku}: {left} left by the books, {for_all} shown"
        if for_one is not None:
            left = rules.left_for(life.purse(buyer), good, life.now)
            assert for_one["available"] == left, f"{good.sku}: {left} left for a player by the books, {for_one} shown"


async def _check_offer(life: Life, buyer: Any) -> None:
    """Where a player stands in the offer chain."""
    if (offer := life.shop.offer) is not None:
        _, number = rules.open_step(life.purse(buyer), offer, life.now)
        found = await life.get(f"{life.api}/user/offer_chain/{offer.chain_id}", buyer)
        assert found["next_step_number"] == number


async def _check_codes(life: Life) -> None:
    """How often codes were used."""
    studio = life.shop.studio
    for coded in life.shop.coded:
        if coded.kind == "unique_catalog_offer":
            continue
        path = f"{life.api}/admin/code/limit/{coded.kind}/external_id/{coded.external_id}"
        reply = await life.talk.send("GET", path, auth=studio.basic)
        assert reply is not None and reply.status_code == 200, reply
        for each in reply.json()["items"]:
            counts = each["per_code"]
            assert counts["used"] + counts["reserved"] == life.books.codes[each["code"]], f"{each}"
            assert counts["reserved"] == 0, f"a use is held by nobody: {each}"


async def _check_payments(life: Life) -> None:
    """Money was taken for what was given, and for nothing else."""
    async with life.shop.studio.context.database.connection() as connection:
        rows = await connection.fetch(READ_CHARGES, life.shop.studio.project_id)
    kept: dict[int, int] = {}
    for row in rows:
        if row["state"] == "succeeded" and row["kept"] > 0:
            kept[row["order_id"]] = kept.get(row["order_id"], 0) + 1
    given = {order.order_id: 1 for order in life.books.orders.values() if order.state in ("paid", "done")}
    assert kept == given, f"money was kept for {kept}, and given was {given}"

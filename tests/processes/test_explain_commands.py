"""`haversack explain item|cart`: what is printed, and what the commands refuse."""

from uuid import UUID

import httpx
import pytest

from haversack.app import build_application
from make.carts import fill
from make.catalog import virtual_item
from make.client_catalog import new_player, sell
from make.personalization import filter_rule, make_rule
from make.promotions import discount, make_promotion
from processes.running import Finished, invoke
from processes.serving import Shop

AT = "2026-06-01T12:00:00+00:00"


async def command(shop: Shop, *arguments: object) -> Finished:
    """A command on the shop, in this process."""
    return await invoke(*(str(argument) for argument in arguments), **shop.settings)


async def test_explain(shop: Shop) -> None:
    studio = shop.studio
    transport = httpx.ASGITransport(app=build_application(shop.context))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        one_use = {"consumable": {"usages_count": 1}}
        sku, other = [await sell(client, studio, virtual_item(inventory_options=one_use)) for _ in range(2)]
        sale = await make_promotion(client, studio, "item", discount(sku))
        rule = await make_rule(client, studio, filter_rule(other))
        player_id, headers = await new_player(studio)
        await fill(client, studio, headers, {sku: 2, other: 1})
    shown = (
        await command(shop, "explain", "item", studio.project_id, sku, "--time", AT, "--country", "de")
    ).succeeded()
    lines = shown.splitlines()
    assert lines[0] == f"item {sku} of project {studio.project_id}, for somebody who is not signed in, in DE, at {AT}"
    assert lines[2] == f"1 x {sku}: shown, can be bought, 8.99 USD (before discounts 9.99)"
    assert f"  + promotion  promotion {sale} (Summer sale)  It applies." in lines
    await _explain_cart(shop, player_id, sku=sku, other=other, rule=rule)
    empty = (await command(shop, "explain", "cart", studio.project_id, "current", "--player", "nobody")).succeeded()
    assert empty.splitlines()[-1] == "The cart is empty."


async def _explain_cart(shop: Shop, player_id: UUID, *, sku: str, other: str, rule: int) -> None:
    project_id = shop.studio.project_id
    lines = (
        (await command(shop, "explain", "cart", project_id, "current", "--player", player_id)).succeeded().splitlines()
    )
    assert f"2 x {sku}: shown, can be bought, 17.98 USD (before discounts 19.98)" in lines
    assert f"1 x {other}: hidden, cannot be bought, 9.99 USD" in lines
    (why,) = [line for line in lines if f"filter rule {rule} (For elves)" in line]
    assert why.startswith("  - personalization  ")
    assert why.endswith("Not met: race eq elf (string), and the player has none.")
    assert lines[-1] == "The cart costs 27.97 USD (before discounts 29.97)."


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("item", "{project}", "nothing"), "Item with sku = 'nothing' not found"),
        (("item", "5", "lamp"), "There is no project 5."),
        (("cart", "{project}", "mine", "--player", "hero"), "Cart for user hero not found"),
    ],
)
async def test_explain_what_is_not_there(shop: Shop, arguments: tuple[str, ...], said: str) -> None:
    named = [each.format(project=shop.studio.project_id) for each in arguments]
    assert said in (await command(shop, "explain", *named)).refused()


@pytest.mark.parametrize(
    "arguments",
    [
        ("item", "5", "lamp", "--country", "Germany"),
        ("item", "5", "lamp", "--currency", "E1R"),
        ("item", "5", "lamp", "--time", "soon"),
        ("cart", "5", "current"),
    ],
)
async def test_explain_refuses_what_it_cannot_read(shop: Shop, arguments: tuple[str, ...]) -> None:
    (await command(shop, "explain", *arguments)).refused(status=2)

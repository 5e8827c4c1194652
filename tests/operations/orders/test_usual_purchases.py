"""Purchases without a body are answered on a short way: what it answers is what the ordinary way answers."""

import httpx
import pytest

from haversack.orders import answering
from make.orders import balance_of, buy, change_project, fund, make_buyer, sell_for, stored
from make.projects import Studio


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The items that were bought on the short way."""
    items: list[str] = []
    short = answering._buy

    def noted(context: object, project: object, player: object, path: dict[str, str], *others: object) -> object:
        items.append(path["item_sku"])
        return short(context, project, player, path, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(answering, "_buy", noted)
    return items


def _shown(reply: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in reply.headers.items() if name not in ("content-length", "x-request-id")}


async def test_both_ways_answer_the_same(client: httpx.AsyncClient, studio: Studio, taken: list[str]) -> None:
    lamp, gold = await sell_for(client, studio, 5)
    buyer = await make_buyer(studio)
    await fund(buyer, gold, 12)
    await buy(client, buyer, lamp, gold)  # from now on the token is known
    taken.clear()
    for name, more in (("plain", {}), ("origin", {"Origin": "https://game.example.com"})):
        await fund(buyer, gold, 10)
        headers = {**buyer.headers, **more}
        usual = await buy(client, buyer, lamp, gold, headers=headers, params={"platform": "google_play"})
        assert len(taken) == 1, name
        with_body = await buy(client, buyer, lamp, gold, headers=headers, params={"platform": "google_play"}, json={})
        assert len(taken) == 1, name
        assert (usual.status_code, usual.json().keys()) == (with_body.status_code, with_body.json().keys())
        assert _shown(usual).items() <= _shown(with_body).items()
        assert ("access-control-expose-headers" in usual.headers) == (name == "origin")
        one, other = await stored(studio, usual.json()["order_id"]), await stored(studio, with_body.json()["order_id"])
        assert (one.platform, one.country, one.amount, one.lines) == (
            other.platform,
            other.country,
            other.amount,
            other.lines,
        )
        taken.clear()


async def test_refusals_are_the_same(client: httpx.AsyncClient, studio: Studio, taken: list[str]) -> None:
    lamp, gold = await sell_for(client, studio, 5)
    buyer = await make_buyer(studio)
    await fund(buyer, gold, 4)
    for sku in (lamp, "no-such-item"):
        usual, with_body = await buy(client, buyer, sku, gold), await buy(client, buyer, sku, gold, json={})
        assert usual.status_code == with_body.status_code
        assert usual.json()["errorCode"] == with_body.json()["errorCode"]
        assert usual.json()["errorMessage"] == with_body.json()["errorMessage"]
        assert usual.headers["x-request-id"]
    assert "no-such-item" in taken
    assert await balance_of(buyer, gold) == 4


async def test_unusual_requests_go_the_ordinary_way(
    client: httpx.AsyncClient, studio: Studio, taken: list[str]
) -> None:
    lamp, gold = await sell_for(client, studio, 5)
    buyer = await make_buyer(studio)
    await fund(buyer, gold, 100)
    assert (await buy(client, buyer, lamp, gold)).status_code == 200
    taken.clear()
    key = {**buyer.headers, "Idempotency-Key": "the-same-twice"}
    first, again = await buy(client, buyer, lamp, gold, headers=key), await buy(client, buyer, lamp, gold, headers=key)
    assert first.json() == again.json()
    typed = await buy(client, buyer, lamp, gold, headers={**buyer.headers, "Content-Type": "application/json"})
    assert typed.status_code == 200
    unknown = await buy(client, buyer, lamp, gold, params={"platform": "abacus"})
    assert unknown.status_code == 422
    assert taken == []
    assert await balance_of(buyer, gold) == 85


async def test_a_project_of_the_sandbox_marks_its_orders(
    client: httpx.AsyncClient, studio: Studio, taken: list[str]
) -> None:
    await change_project(studio, is_sandbox=True)
    lamp, gold = await sell_for(client, studio, 5)
    buyer = await make_buyer(studio)
    await fund(buyer, gold, 10)
    for _ in range(2):
        reply = await buy(client, buyer, lamp, gold)
        assert (await stored(studio, reply.json()["order_id"])).is_sandbox
    assert taken

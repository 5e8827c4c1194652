"""For whom the catalog is shown: languages with their fallback, countries from wherever they come, prices."""

from typing import Any

import httpx
import pytest

from haversack.login.tokens import _country
from make.catalog import price, virtual_item
from make.client_catalog import catalog_path, read, sell
from make.projects import Studio


@pytest.mark.parametrize(
    ("name", "locale", "shown"),
    [
        ({"en": "Lamp", "de": "Lampe"}, None, "Lamp"),
        ({"en": "Lamp", "de": "Lampe"}, "de", "Lampe"),
        ({"en": "Lamp", "de": "Lampe"}, "de-DE", "Lampe"),
        ({"en": "Lamp", "de": "Lampe"}, "fr", "Lamp"),
        ({"en": "Lamp", "de": "Lampe"}, "tlh", "Lamp"),
        ({"en": "Lamp", "de": "Lampe"}, "", "Lamp"),
        ({"ja": "ランプ", "de": "Lampe"}, "fr", "ランプ"),
        ({"cn": "灯", "tw": "燈"}, "zh-TW", "燈"),
    ],
)
async def test_languages(
    client: httpx.AsyncClient, studio: Studio, name: dict[str, str], locale: str | None, shown: str
) -> None:
    await sell(client, studio, virtual_item(name=name))
    parameters = {} if locale is None else {"locale": locale}
    (item,) = (await read(client, studio, "/virtual_items", **parameters))["items"]
    # Which of several is the first that is filled is not told; it is one of them.
    assert item["name"] == shown or (locale == "fr" and "en" not in name and item["name"] in name.values())


async def _prices(client: httpx.AsyncClient, studio: Studio, **options: Any) -> list[tuple[str, str] | None]:
    items = (await read(client, studio, "/virtual_items", **options))["items"]
    prices = [item["price"] for item in items]
    assert all(each is None or each["amount"] == each["amount_without_discount"] for each in prices)
    return [each and (each["amount"], each["currency"]) for each in prices]


async def test_the_price_of_a_country(client: httpx.AsyncClient, studio: Studio) -> None:
    """From the query, else the header; its own price, else the default. Prices that are off are not looked at."""
    prices = [
        price(10),
        price(9.5, "EUR", country_iso="DE"),
        price(1200, "JPY", country_iso="JP"),
        price(8, "EUR", country_iso="FR", is_enabled=False),
    ]
    await sell(client, studio, virtual_item(prices=prices))
    usd, eur, jpy = ("10.00", "USD"), ("9.50", "EUR"), ("1200", "JPY")
    assert await _prices(client, studio) == [usd]
    assert await _prices(client, studio, country="DE") == [eur]
    assert await _prices(client, studio, country="de") == [eur]
    assert await _prices(client, studio, country="JP") == [jpy]
    assert await _prices(client, studio, country="FR") == [usd]
    assert await _prices(client, studio, country="nowhere") == [usd]
    assert await _prices(client, studio, headers={"X-User-Country": "de"}) == [eur]
    assert await _prices(client, studio, headers={"X-User-Country": "DE"}, country="JP") == [jpy]
    assert await _prices(client, studio, headers={"X-User-Country": "4%"}) == [usd]


async def test_a_catalog_of_several_currencies(client: httpx.AsyncClient, studio: Studio) -> None:
    """Where a country would see two currencies, all is shown in the first item's default one; what has none is null."""
    both = virtual_item(order=1, prices=[price(10), price(9, "EUR", country_iso="DE")])
    dollars = virtual_item(order=2, prices=[price(20)])
    yen = virtual_item(order=3, prices=[price(3000, "JPY")])
    for body in (both, dollars):
        await sell(client, studio, body)
    assert await _prices(client, studio) == [("10.00", "USD"), ("20.00", "USD")]
    assert await _prices(client, studio, country="DE") == [("10.00", "USD"), ("20.00", "USD")]
    await sell(client, studio, yen)
    assert await _prices(client, studio) == [("10.00", "USD"), ("20.00", "USD"), None]


@pytest.mark.parametrize("currency", ["KWD", "USD", "JPY"])
async def test_decimals_of_prices(client: httpx.AsyncClient, studio: Studio, currency: str) -> None:
    await sell(client, studio, virtual_item(prices=[price(7, currency)]))
    assert await _prices(client, studio) == [({"KWD": "7.000", "USD": "7.00", "JPY": "7"}[currency], currency)]


async def test_whom_the_answer_is_for(client: httpx.AsyncClient, studio: Studio) -> None:
    await sell(client, studio, virtual_item())
    path = catalog_path(studio, "/virtual_items")
    for _ in range(2):
        reply = await client.get(path, params={"with_geo": "true", "locale": "de-DE", "country": "at"})
        assert (reply.headers["x-user-locale-code"], reply.headers["x-user-country-code"]) == ("de", "AT")
        reply = await client.get(path, params={"with_geo": "1"})
        assert reply.headers["x-user-locale-code"] == "en"
        assert "x-user-country-code" not in reply.headers
        reply = await client.get(path, params={"with_geo": "false", "country": "at"})
        assert "x-user-locale-code" not in reply.headers


@pytest.mark.parametrize(
    ("claims", "country"),
    [({}, None), ({"country": "de"}, "DE"), ({"country": "Germany"}, None), ({"country": 49}, None)],
)
def test_country_of_a_token(claims: dict[str, object], country: str | None) -> None:
    assert _country(claims) == country

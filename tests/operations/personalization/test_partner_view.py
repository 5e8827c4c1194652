"""What a game's answer does to the catalog: what is hidden, what may be bought, for how long that holds."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from haversack.catalog.read_model.compiled import Catalog
from haversack.catalog.read_model.records import ALWAYS
from haversack.personalization.partner_view import partner_view
from haversack.personalization.records import PartnerAnswer, PartnerItem, PartnerSource
from make.catalog import game, game_key, post_item, save_virtual_item
from make.projects import Studio

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def answer(**items: PartnerItem) -> PartnerAnswer:
    return PartnerAnswer(source=PartnerSource.ANSWERED, by_sku=items)


@pytest.fixture
async def catalog(client: httpx.AsyncClient, studio: Studio) -> Catalog:
    for sku in ("lamp", "rope"):
        await save_virtual_item(studio, sku)
    body = game(game_key(sku="key_steam"), game_key("drmfree", sku="key_drmfree"), sku="story")
    assert (await post_item(client, studio, "game", body)).status_code == 201
    held = await studio.context.catalogs.get(studio.project_id)
    assert held.catalog is not None
    return held.catalog


def shown(catalog: Catalog, found: PartnerAnswer, now: datetime = NOON) -> list[str]:
    hidden = partner_view(catalog, found, now).hidden
    return sorted(entry.sku for item_id, entry in catalog.entries.items() if item_id not in hidden)


async def test_what_is_not_named_is_hidden(catalog: Catalog) -> None:
    assert shown(catalog, answer()) == []
    assert shown(catalog, answer(lamp=PartnerItem(), unknown=PartnerItem())) == ["lamp"]
    rope = catalog.by_sku["rope"].item_id
    by_id = PartnerAnswer(source=PartnerSource.ANSWERED, by_id={rope: PartnerItem(1), 5: PartnerItem()})
    assert shown(catalog, by_id) == ["rope"]


async def test_games_and_keys(catalog: Catalog) -> None:
    assert shown(catalog, answer(story=PartnerItem())) == ["key_drmfree", "key_steam", "story"]
    assert shown(catalog, answer(key_steam=PartnerItem())) == ["key_steam", "story"]
    later = PartnerItem(date_from=NOON + DAY)
    # What is said of a key itself counts before what is said of its game.
    assert shown(catalog, answer(story=PartnerItem(), key_steam=later)) == ["key_drmfree", "story"]


async def test_how_many_may_be_bought(catalog: Catalog) -> None:
    lamp, rope = (catalog.by_sku[sku].item_id for sku in ("lamp", "rope"))
    view = partner_view(catalog, answer(lamp=PartnerItem(0), rope=PartnerItem()), NOON)
    assert (view.left, lamp in view.hidden) == ({lamp: 0}, False)
    both = PartnerAnswer(
        source=PartnerSource.ANSWERED,
        by_sku={"rope": PartnerItem(2)},
        by_id={rope: PartnerItem(7), lamp: PartnerItem(1)},
    )
    assert partner_view(catalog, both, NOON).left == {rope: 2, lamp: 1}


async def test_how_long_it_holds(catalog: Catalog) -> None:
    found = answer(lamp=PartnerItem(date_from=NOON, date_until=NOON + DAY))
    view = partner_view(catalog, found, NOON)
    assert (view.since, view.until) == (NOON, NOON + DAY)
    # Made once, until the time is over.
    assert partner_view(catalog, found, NOON + DAY / 2) is view
    assert shown(catalog, found, NOON - DAY) == shown(catalog, found, NOON + DAY) == []
    assert shown(catalog, found) == ["lamp"]
    always = partner_view(catalog, answer(), NOON)
    assert (always.since, always.until) == ALWAYS


async def test_another_catalog(client: httpx.AsyncClient, studio: Studio, catalog: Catalog) -> None:
    found = answer(story=PartnerItem(), oil=PartnerItem())
    before = partner_view(catalog, found, NOON)
    await save_virtual_item(studio, "oil")
    assert (await post_item(client, studio, "game", game(game_key()))).status_code == 201
    held = await studio.context.catalogs.get(studio.project_id)
    assert held.catalog is not None and held.catalog is not catalog
    assert "oil" in shown(held.catalog, found)
    assert partner_view(catalog, found, NOON) is not before

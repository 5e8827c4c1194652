"""Makes a season by hand, without a database, and players who leave nothing to chance."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson

from haversack.catalog.read_model.compiled import Catalog, Taxonomy
from haversack.catalog.read_model.live import Held
from haversack.catalog.read_model.records import Entry, PointReward, Stocks
from haversack.catalog.records import ContentEntry, ItemKind
from haversack.catalog.selling import Shop
from haversack.chains.held import HeldChains
from haversack.chains.records import ByDay, ByOrder, ByPoints, Chain, DailyType, Opening, Reward, Step
from haversack.limits.records import FOR_EVER
from haversack.promotions.compiled import compile_promotions
from haversack.promotions.records import ItemPercent, Promotion, PromotionKind
from haversack.rehearsal.records import Player, Tally
from haversack.rehearsal.season import Season
from haversack.rehearsal.temperaments import Temperament, random_of

START = datetime(2026, 12, 1, tzinfo=UTC)
# Does all that can be done, and buys one thing a day.
CERTAIN = Temperament(name="collector", share=0, plays=100, claims=100, pays=100, buys=100, bargains=0, codes=100)
GEM, LAMP, SWORD, STAR, CLAN_STAR = 1, 2, 3, 8, 9


def usd(amount: str) -> list[dict[str, Any]]:
    """A price in dollars, as it is stored."""
    return [{"amount": amount, "currency": "USD", "country_iso": None, "is_default": True, "is_enabled": True}]


def entry(item_id: int, sku: str, kind: ItemKind = ItemKind.VIRTUAL_GOOD, **changes: Any) -> Entry:
    """An item as the read model holds it; `prices`, `virtual_prices` and `details` are those of its document."""
    prices, virtual = changes.pop("prices", []), changes.pop("virtual_prices", [])
    details = changes.pop("details", {"virtual_item_type": "consumable"})
    document = [{"en": sku}, None, None, None, [], [], None, prices, virtual, [], details]
    values: dict[str, Any] = {
        "item_id": item_id,
        "sku": sku,
        "kind": kind,
        "parent_id": None,
        "rank": (1, 0, -item_id),
        "is_free": False,
        "is_enabled": True,
        "is_shown": True,
        "region_ids": (),
        "windows": (),
        "limits": None,
        "pre_order": None,
        "shape": (),
        "currencies": (),
        "content": (),
        "document": orjson.dumps(document),
        "row_mark": 0,
    }
    return Entry(**{**values, **changes})


def gem(**changes: Any) -> Entry:
    """What steps give: worth ten cents, and not for sale."""
    return entry(GEM, "gem", prices=usd("0.10"), is_shown=False, **changes)


def lamp(**changes: Any) -> Entry:
    """What the shop sells, for ten dollars."""
    return entry(LAMP, "lamp", **{"prices": usd("10.00"), **changes})


def sword(**changes: Any) -> Entry:
    """What only an offer sells, for three dollars."""
    return entry(SWORD, "sword", **{"prices": usd("3.00"), "is_shown": False, **changes})


def star(item_id: int = STAR, *, is_clan: bool = False) -> Entry:
    """A value point."""
    return entry(item_id, f"star-{item_id}", ItemKind.VALUE_POINT, is_shown=False, details={"is_clan": is_clan})


def box(item_id: int, sku: str, *contents: tuple[int, int], **changes: Any) -> Entry:
    """A bundle."""
    content = tuple(ContentEntry(*each) for each in contents)
    return entry(item_id, sku, ItemKind.BUNDLE, content=content, details={}, **changes)


def chain(chain_id: int, opening: Opening, *steps: Step, **changes: Any) -> Chain:
    """A chain that is switched on and runs from the start on."""
    values: dict[str, Any] = {
        "project_id": 1,
        "chain_id": chain_id,
        "opening": opening,
        "name": {"en": f"Chain {chain_id}"},
        "is_enabled": True,
        "starts_at": START,
        "began_at": FOR_EVER,
        "steps": steps,
        "created_at": START,
        "updated_at": START,
    }
    return Chain(**{**values, **changes})


def step(number: int, *rewards: tuple[int, int], points: int = 0, is_free: bool = True) -> Step:
    """A step that gives items (ids) with quantities."""
    given = tuple(Reward(*each) for each in rewards)
    return Step(step_id=100 + number, number=number, rewards=given, points=points, is_free=is_free)


def road(chain_id: int, *points: int, point: int = STAR, is_clan: bool = False, **changes: Any) -> Chain:
    """A reward chain; step n gives n gems."""
    steps = [step(number, (GEM, number), points=each) for number, each in enumerate(points, start=1)]
    return chain(chain_id, ByPoints(value_point_id=point, is_clan=is_clan), *steps, **changes)


def days(chain_id: int, count: int, type_: DailyType = DailyType.CALENDAR_HARD, **changes: Any) -> Chain:
    """A daily chain; day n gives n gems."""
    steps = [step(number, (GEM, number)) for number in range(1, count + 1)]
    return chain(chain_id, ByDay(type=type_), *steps, **changes)


def offer(chain_id: int, *steps: Step, **changes: Any) -> Chain:
    """An offer chain."""
    return chain(chain_id, ByOrder(), *steps, **changes)


def sale(promotion_id: int, percent: str, *item_ids: int, **changes: Any) -> Promotion:
    """A discount on items."""
    values: dict[str, Any] = {
        "project_id": 1,
        "promotion_id": promotion_id,
        "kind": PromotionKind.DISCOUNT,
        "external_id": None,
        "name": {"en-US": f"Sale {promotion_id}"},
        "is_enabled": True,
        "rewards": (ItemPercent(Decimal(percent), item_ids),),
        "created_at": START,
        "updated_at": START,
    }
    return Promotion(**{**values, **changes})


def season(
    *entries: Entry,
    chains: Sequence[Chain] = (),
    promotions: Sequence[Promotion] = (),
    points: dict[int, tuple[PointReward, ...]] | None = None,
    days: int = 5,
    stocks: Stocks | None = None,
) -> Season:
    """A season of these items, chains and promotions; points: what comes with items."""
    by_id = {each.item_id: each for each in entries}
    compiled = compile_promotions(promotions)
    catalog = Catalog(
        project_id=1,
        version=1,
        entries=by_id,
        ordered=entries,
        listed=[each for each in entries if each.is_shown],
        taxonomy=Taxonomy((), (), ()),
        members={},
        by_sku={each.sku: each for each in entries},
        groups_of={},
        keys_of={},
        containers={},
        countries_of={},
        limited=frozenset(),
        value_points=points or {},
        holders={each.item_id: frozenset({each.item_id}) for each in entries},
        stamps={},
        edges=sorted(compiled.edges),
        shapes=(),
        countries=frozenset(),
        has_stocks=False,
        groups={},
        attributes={},
        forest={},
        _groups_by_name={},
        promotions=compiled,
        kept_back=frozenset(item_id for items in compiled.kept_back.values() for item_id in items),
    )
    personal = frozenset(
        each.chain_id for each in chains if any(reward.conditions for step in each.steps for reward in step.rewards)
    )
    held = Held(1, catalog=catalog)
    if stocks is not None:
        held.stocks = stocks
    return Season(
        shop=Shop(held),
        held=HeldChains(chains, {}, personal, frozenset(each.kind for each in chains)),
        promotions=promotions,
        start=START,
        days=days,
    )


def player(number: int = 0, temperament: Temperament = CERTAIN, **changes: Any) -> Player:
    """A player who comes every day from the first on."""
    values: dict[str, Any] = {
        "number": number,
        "temperament": temperament,
        "rng": random_of(1, number),
        "attributes": {},
        "clan": None,
        "first_day": 0,
    }
    return Player(**{**values, **changes})


def in_all(*tallies: Tally) -> Tally:
    """Several tallies added up."""
    total = Tally()
    for each in tallies:
        total.add(each)
    return total

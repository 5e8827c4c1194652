"""What the items of the demo's shop are made of: groups, attributes, regions, prices."""

from dataclasses import replace
from decimal import Decimal

from haversack.catalog.items.drafts import ItemDraft
from haversack.catalog.records import Details, ItemKind, Price, Schedule, VirtualItemType, VirtualPrice
from haversack.catalog.taxonomy.records import GivenAttribute, GivenValue, NewGroup
from haversack.catalog.transfer.records import GroupDraft, RegionDraft
from haversack.demo.content import CIRRUS_COURIERS, GLIM, LANTERNFALL
from haversack.text import Translations

PEARLS = "tide-pearls"
FEATHERS = "brass-feathers"
JAPAN_AND_KOREA = 2
DAILY = Schedule("daily", "06:00:00+00:00")
WEEKLY = Schedule("weekly", "06:00:00+00:00", day_of_week=1)
# What a price is in other money, for those countries that have prices of their own.
_COUNTRIES: tuple[tuple[str, str, Decimal, Decimal], ...] = (
    ("EUR", "DE", Decimal("0.95"), Decimal("0.01")),
    ("EUR", "FR", Decimal("0.95"), Decimal("0.01")),
    ("GBP", "GB", Decimal("0.82"), Decimal("0.01")),
    ("JPY", "JP", Decimal(150), Decimal(10)),
)

REGIONS = (
    RegionDraft(
        1, {"en-US": "Europe", "de-DE": "Europa"}, ("AT", "BE", "CH", "DE", "ES", "FR", "GB", "IT", "NL", "PL")
    ),
    RegionDraft(JAPAN_AND_KOREA, {"en-US": "Japan and Korea", "ja-JP": "日本と韓国"}, ("JP", "KR")),
)


def _value(external_id: str, en: str, **others: str) -> GivenValue:
    return GivenValue(external_id, {"en": en, **others})


ATTRIBUTES = (
    GivenAttribute(
        "game",
        {"en": "Game", "de": "Spiel", "fr": "Jeu", "ja": "ゲーム"},
        (
            _value(LANTERNFALL.external_game_id, LANTERNFALL.name),
            _value(CIRRUS_COURIERS.external_game_id, CIRRUS_COURIERS.name),
        ),
    ),
    GivenAttribute(
        "rarity",
        {"en": "Rarity", "de": "Seltenheit", "fr": "Rareté", "ja": "レア度"},
        (
            _value("common", "Common", de="Gewöhnlich", fr="Courant", ja="コモン"),
            _value("rare", "Rare", de="Selten", fr="Rare", ja="レア"),
            _value("storied", "Storied", de="Sagenumwoben", fr="Légendaire", ja="伝説"),
        ),
    ),
)


def about(game: str, rarity: str | None = None) -> tuple[GivenAttribute, ...]:
    values = [("game", game), *([("rarity", rarity)] if rarity else [])]
    return tuple(
        GivenAttribute(
            name,
            None,
            tuple(
                value
                for each in ATTRIBUTES
                if each.external_id == name
                for value in each.values
                if value.external_id == of
            ),
        )
        for name, of in values
    )


def _group(external_id: str, order: int, name: Translations, description: str) -> GroupDraft:
    return GroupDraft(NewGroup(external_id=external_id, name=name, description={"en": description}, sort_order=order))


GROUPS = (
    _group(
        "featured",
        1,
        {"en": "Featured", "de": "Empfohlen", "fr": "À la une", "ja": "おすすめ"},
        "What the keeper and the postmistress would put in the window, if either had one.",
    ),
    _group(
        "lamps",
        2,
        {"en": "Lamps and Lights", "de": "Lampen und Lichter", "fr": "Lampes et lumières", "ja": "ランプと灯り"},
        "For seeing, being seen, and telling the two apart.",
    ),
    _group(
        "hulls",
        3,
        {"en": "Boats and Airships", "de": "Boote und Luftschiffe", "fr": "Bateaux et dirigeables", "ja": "船と飛行船"},
        "Everything that floats, on whichever side of the clouds.",
    ),
    _group(
        "companions",
        4,
        {"en": "Companions", "de": "Begleiter", "fr": "Compagnons", "ja": "なかま"},
        "They come along of their own accord. Feeding them is appreciated.",
    ),
    _group(
        "provisions",
        5,
        {"en": "Provisions", "de": "Vorräte", "fr": "Provisions", "ja": "備品"},
        "What runs out at the worst moment, and what keeps it from doing so.",
    ),
    _group(
        "purse",
        6,
        {"en": "Purse", "de": "Geldbeutel", "fr": "Bourse", "ja": "おさいふ"},
        "Pearls for the night market, feathers for the harbours, glims for both.",
    ),
)


def price(amount: str) -> tuple[Price, ...]:
    """A price in dollars, and what it is in the countries that have prices of their own.

    All items have prices for the same countries: where one lacks its own, all are shown in dollars.
    """
    dollars = Decimal(amount)
    local = (Price((dollars * rate) // step * step, currency, country) for currency, country, rate, step in _COUNTRIES)
    return (Price(dollars, "USD", is_default=True), *local)


def costs(amount: int, sku: str) -> tuple[VirtualPrice, ...]:
    return (VirtualPrice(sku, amount, is_default=True),)


def either(glims: int, amount: int, sku: str) -> tuple[VirtualPrice, ...]:
    return (VirtualPrice(sku, amount, is_default=True), VirtualPrice(GLIM.sku, glims))


_LASTING = Details(virtual_item_type=VirtualItemType.NON_CONSUMABLE)


def good(
    game: str,
    sku: str,
    name: str | Translations,
    text: str | Translations,
    picture: str,
    group: str,
    rarity: str,
    **more: object,
) -> ItemDraft:
    plain = ItemDraft(
        kind=ItemKind.VIRTUAL_GOOD,
        sku=f"{game}.{sku}",
        name={"en": name} if isinstance(name, str) else name,
        description={"en": text} if isinstance(text, str) else text,
        image_url=picture,
        groups=(group,),
        attributes=about(game, rarity),
        details=_LASTING,
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def uses(count: int) -> Details:
    return Details(is_consumable=True, usages_count=count)

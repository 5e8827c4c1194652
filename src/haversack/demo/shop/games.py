"""The demo's games with their keys, and its bundles."""

from haversack.catalog.items.drafts import ContentDraft, ItemDraft
from haversack.catalog.records import Details, ItemKind, Media, PreOrder
from haversack.demo.content import CIRRUS_COURIERS, GLIM, LANTERNFALL
from haversack.demo.shop.parts import FEATHERS, about, price
from haversack.text import Translations


def _game(
    sku: str,
    name: Translations,
    text: Translations,
    cover: str,
    still: str,
    sold: tuple[str, tuple[str, ...]],
) -> ItemDraft:
    amount, platforms = sold
    described = about(sku)
    keys = tuple(
        ItemDraft(
            kind=ItemKind.GAME_KEY,
            sku=f"{sku}_{drm_sku}",
            name=name,
            description=text,
            image_url=cover,
            media_list=(Media("image", still),),
            groups=("featured",),
            attributes=described,
            prices=price(amount),
            sort_order=place,
            # The only one that is not out yet; its date is announced later.
            pre_order=PreOrder(None, is_enabled=True, description="Out as soon as the console agrees with the weather.")
            if drm_sku == "nintendo_eshop"
            else None,
            details=Details(drm_sku=drm_sku),
        )
        for place, drm_sku in enumerate(platforms, start=1)
    )
    return ItemDraft(
        kind=ItemKind.GAME,
        sku=sku,
        name=name,
        description=text,
        image_url=cover,
        media_list=(Media("image", still),),
        groups=("featured",),
        attributes=described,
        keys=keys,
    )


def _bundle(sku: str, name: str, text: str, picture: str, amount: str, content: dict[str, int]) -> ItemDraft:
    return ItemDraft(
        kind=ItemKind.BUNDLE,
        sku=sku,
        name={"en": name},
        description={"en": text},
        image_url=picture,
        groups=("featured",),
        prices=price(amount),
        content=tuple(ContentDraft(each, quantity) for each, quantity in content.items()),
    )


GAMES = (
    _game(
        LANTERNFALL.external_game_id,
        {"en": LANTERNFALL.name, "ja": "ランタンフォール"},
        {
            "en": "Keep the last lighthouse of a drowned archipelago burning, and find out who is putting the"
            " others out.",
            "de": "Halte den letzten Leuchtturm eines versunkenen Archipels in Gang und finde heraus, wer die"
            " anderen löscht.",
        },
        LANTERNFALL.picture,
        "lanternfall-key.webp",
        ("24.99", ("steam", "epicgames", "drmfree")),
    ),
    _game(
        CIRRUS_COURIERS.external_game_id,
        {"en": CIRRUS_COURIERS.name, "ja": "シーラス・クーリエ"},
        {
            "en": "One airship, forty floating towns and a sack of post that was due yesterday.",
            "de": "Ein Luftschiff, vierzig schwebende Städte und ein Sack Post, der gestern fällig war.",
        },
        CIRRUS_COURIERS.picture,
        "cirrus-key.webp",
        ("19.99", ("steam", "nintendo_eshop")),
    ),
)

BUNDLES = (
    _bundle(
        "lanternfall.keepers-crate",
        "Keeper's Crate",
        "Oil, flares, pearls and a horn: all that a first night on the rock needs, and one thing it does not.",
        "keepers-crate.webp",
        "8.99",
        {
            "lanternfall.lamp-oil": 3,
            "lanternfall.signal-flare": 5,
            "lanternfall.foghorn": 1,
            "lanternfall.tide-pearls-500": 1,
        },
    ),
    _bundle(
        "cirrus-couriers.first-flight-parcel",
        "First Flight Parcel",
        "Goggles, tea and feathers, with a stern letter from the postmistress. Sent by parachute.",
        "first-flight-parcel.webp",
        "9.99",
        {"cirrus-couriers.pilot-goggles": 1, "cirrus-couriers.altitude-thermos": 2, FEATHERS: 800},
    ),
    _bundle(
        "storm-watchers-set",
        "Storm Watcher's Set",
        "A lantern that has weather in it, an engine that runs on it, and a crate for when there is nothing else.",
        "shop-storm-kit.webp",
        "21.99",
        {
            "lanternfall.stormglass-lantern": 1,
            "cirrus-couriers.thunderhead-engine": 1,
            "lanternfall.keepers-crate": 1,
        },
    ),
    _bundle(
        "two-horizons",
        "Two Horizons",
        "Both games, for those who want to know what the other side of the clouds looks like. With glims for the toll.",
        "shop-two-horizons.webp",
        "39.99",
        {"lanternfall_steam": 1, "cirrus-couriers_steam": 1, GLIM.sku: 500},
    ),
)

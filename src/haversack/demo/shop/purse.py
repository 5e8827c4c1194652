"""The currencies of the demo's games, and the packages that players buy of them."""

from dataclasses import replace

from haversack.catalog.items.drafts import ContentDraft, ItemDraft
from haversack.catalog.records import Details, ItemKind, ItemLimits
from haversack.demo.content import CIRRUS_COURIERS, GLIM, LANTERNFALL
from haversack.demo.shop.parts import FEATHERS, PEARLS, WEEKLY, about, price

CURRENCIES = (
    ItemDraft(
        kind=ItemKind.VIRTUAL_CURRENCY,
        sku=GLIM.sku,
        name={"en": GLIM.name, "de": "Glimmer", "fr": "Lueurs", "ja": "グリム"},
        description={"en": GLIM.description},
        image_url=GLIM.picture,
        groups=("purse",),
        is_show_in_store=False,
    ),
    ItemDraft(
        kind=ItemKind.VIRTUAL_CURRENCY,
        sku=PEARLS,
        name={"en": "Tide Pearls", "de": "Gezeitenperlen", "fr": "Perles de marée", "ja": "潮の真珠"},
        description={"en": "The ferrymen count them by ear, and are never wrong in your favour."},
        image_url="tide-pearls.webp",
        groups=("purse",),
        attributes=about(LANTERNFALL.external_game_id),
        is_show_in_store=False,
        details=Details(is_hard=True),
    ),
    ItemDraft(
        kind=ItemKind.VIRTUAL_CURRENCY,
        sku=FEATHERS,
        name={"en": "Brass Feathers", "de": "Messingfedern", "fr": "Plumes de laiton", "ja": "真鍮の羽根"},
        description={"en": "Harbour towns take nothing else for fuel, moorings and the good kind of jam."},
        image_url="brass-feathers.webp",
        groups=("purse",),
        attributes=about(CIRRUS_COURIERS.external_game_id),
        is_show_in_store=False,
        details=Details(is_hard=True),
    ),
)


def _package(
    sku: str, name: str, text: str, picture: str, amount: str, content: str, quantity: int, game: str | None = None
) -> ItemDraft:
    return ItemDraft(
        kind=ItemKind.VIRTUAL_CURRENCY_PACKAGE,
        sku=sku,
        name={"en": name},
        description={"en": text},
        image_url=picture,
        groups=("purse",),
        attributes=about(game) if game else (),
        prices=price(amount),
        content=(ContentDraft(content, quantity),),
    )


PACKAGES = (
    _package(
        "lanternfall.tide-pearls-500",
        "Pouch of Tide Pearls",
        "500 pearls in a velvet pouch that has never once been dry.",
        "shop-pearl-pouch.webp",
        "4.99",
        PEARLS,
        500,
        LANTERNFALL.external_game_id,
    ),
    _package(
        "lanternfall.tide-pearls-2400",
        "Chest of Tide Pearls",
        "2,400 pearls, raised from the wreck of a careful banker. The key was in the lock all along.",
        "pearl-chest.webp",
        "19.99",
        PEARLS,
        2400,
        LANTERNFALL.external_game_id,
    ),
    _package(
        "cirrus-couriers.brass-feathers-1200",
        "Bundle of Brass Feathers",
        "1,200 feathers, freshly moulted from the harbourmaster's ledger.",
        "brass-feathers.webp",
        "9.99",
        FEATHERS,
        1200,
        CIRRUS_COURIERS.external_game_id,
    ),
    _package(
        "cirrus-couriers.brass-feathers-3000",
        "Quill Case of Brass Feathers",
        "3,000 feathers in a case with a lock, because birds have been asking about them.",
        "shop-feather-case.webp",
        "22.99",
        FEATHERS,
        3000,
        CIRRUS_COURIERS.external_game_id,
    ),
    _package(
        "glim-300",
        "Handful of Glims",
        "300 glims. Mind your eyes when you open your hand.",
        "glims.webp",
        "2.99",
        GLIM.sku,
        300,
    ),
    replace(
        _package(
            "glim-1100",
            "Jar of Glims",
            "1,100 glims under a cork. Kept on a windowsill, it has been mistaken for morning.",
            "shop-glim-jar.webp",
            "9.99",
            GLIM.sku,
            1100,
        ),
        groups=("purse", "featured"),
        limits=ItemLimits(per_user=3, schedule=WEEKLY),
    ),
)

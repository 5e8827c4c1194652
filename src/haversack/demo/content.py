"""The demo world: two games, below and above one sea of clouds, and what a player of both holds."""

from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from importlib.resources.abc import Traversable

from haversack.backpack.records import ItemType

PICTURES: Traversable = files("haversack.demo").joinpath("pictures")  # 1240 by 466 pixels, WebP


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoGame:
    """A game; `picture` names a file in `PICTURES`."""

    external_game_id: str
    name: str
    picture: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoWalletCurrency:
    """A currency kept by this server: an entry of its SKU goes to the wallet (`is_external_vc` false)."""

    sku: str
    name: str
    description: str
    picture: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoItem:
    """A Backpack item.

    `code` is a game key or promo code, as the kind says. `price` (of the whole package) and `currency`
    (ISO 4217) come with currencies only; `quantity` is 1 for all else. `external_game_id` is "" for what
    belongs to no game. A game key's name never travels with it: the catalog knows it.
    """

    sku: str
    item_name: str
    description: str
    kind: ItemType
    external_game_id: str
    picture: str
    code: str | None = None
    price: Decimal | None = None
    currency: str = "USD"
    quantity: int = 1
    platform: str = ""


LANTERNFALL = DemoGame(external_game_id="lanternfall", name="Lanternfall", picture="cover-lanternfall.webp")
CIRRUS_COURIERS = DemoGame(
    external_game_id="cirrus-couriers", name="Cirrus Couriers", picture="cover-cirrus-couriers.webp"
)
GAMES = (LANTERNFALL, CIRRUS_COURIERS)

GLIM = DemoWalletCurrency(
    sku="glim",
    name="Glims",
    description="Shards of bottled daylight, good as money above the clouds and below them.",
    picture="glims.webp",
)

ITEMS = (
    DemoItem(
        sku="lanternfall.deluxe-edition",
        item_name="Lanternfall: Deluxe Edition",
        description="The whole drowned archipelago, the Saltmarsh chapter and a lamp that never goes out.",
        kind=ItemType.GAME_KEY,
        external_game_id=LANTERNFALL.external_game_id,
        picture="lanternfall-key.webp",
        code="LNTF7-Q2MK9-XD4HW",
    ),
    DemoItem(
        sku="lanternfall.keepers-welcome",
        item_name="Keeper's Welcome Crate",
        description="Rope, lamp oil, a chart with one corner missing: all a first night on the rock needs.",
        kind=ItemType.PROMO_CODE,
        external_game_id=LANTERNFALL.external_game_id,
        picture="keepers-crate.webp",
        code="KEEPTHELIGHT25",
    ),
    DemoItem(
        sku="lanternfall.stormglass-lantern",
        item_name="Stormglass Lantern",
        description="Holds one captured squall. Shake gently to read tomorrow's weather, firmly to cause it.",
        kind=ItemType.VIRTUAL_ITEM,
        external_game_id=LANTERNFALL.external_game_id,
        picture="stormglass-lantern.webp",
    ),
    DemoItem(
        sku="lanternfall.moonwake-skiff",
        item_name="Moonwake Skiff",
        description="A quiet boat, fastest along the moon's reflection. Sleeps two, or one and a heron.",
        kind=ItemType.VIRTUAL_ITEM,
        external_game_id=LANTERNFALL.external_game_id,
        picture="moonwake-skiff.webp",
        platform="steam",
    ),
    DemoItem(
        sku="lanternfall.pim-ember-moth",
        item_name="Pim, the Ember Moth",
        description="A companion who circles your lamp and points out what hides just past its light.",
        kind=ItemType.VIRTUAL_ITEM,
        external_game_id=LANTERNFALL.external_game_id,
        picture="ember-moth.webp",
    ),
    DemoItem(
        sku="lanternfall.tide-pearls-500",
        item_name="Tide Pearls",
        description="A handful for the night market. The ferrymen count them by ear.",
        kind=ItemType.VIRTUAL_CURRENCY,
        external_game_id=LANTERNFALL.external_game_id,
        picture="tide-pearls.webp",
        price=Decimal("4.99"),
        quantity=500,
    ),
    DemoItem(
        sku="lanternfall.tide-pearls-2400",
        item_name="Chest of Tide Pearls",
        description="Raised from the wreck of a careful banker. The key was in the lock all along.",
        kind=ItemType.VIRTUAL_CURRENCY,
        external_game_id=LANTERNFALL.external_game_id,
        picture="pearl-chest.webp",
        price=Decimal("19.99"),
        quantity=2400,
        platform="steam",
    ),
    DemoItem(
        sku="cirrus-couriers.standard-edition",
        item_name="Cirrus Couriers",
        description="One airship, forty floating towns and a sack of post that was due yesterday.",
        kind=ItemType.GAME_KEY,
        external_game_id=CIRRUS_COURIERS.external_game_id,
        picture="cirrus-key.webp",
        code="CRRS3-8TV6P-YJ2NB",
    ),
    DemoItem(
        sku="cirrus-couriers.first-flight-parcel",
        item_name="First Flight Parcel",
        description="Goggles, a route map and a stern letter from the postmistress, sent by parachute.",
        kind=ItemType.PROMO_CODE,
        external_game_id=CIRRUS_COURIERS.external_game_id,
        picture="first-flight-parcel.webp",
        code="FIRSTFLIGHT",
    ),
    DemoItem(
        sku="cirrus-couriers.marigold-envelope",
        item_name="Marigold Envelope",
        description="A balloon sewn petal by petal. Warm air stays in it a little longer than it should.",
        kind=ItemType.VIRTUAL_ITEM,
        external_game_id=CIRRUS_COURIERS.external_game_id,
        picture="marigold-envelope.webp",
    ),
    DemoItem(
        sku="cirrus-couriers.weathervane-compass",
        item_name="Weathervane Compass",
        description="Points to where the wind will be in an hour. North can be had for an extra charge.",
        kind=ItemType.VIRTUAL_ITEM,
        external_game_id=CIRRUS_COURIERS.external_game_id,
        picture="brass-compass.webp",
        platform="steam",
    ),
    DemoItem(
        sku="cirrus-couriers.thunderhead-engine",
        item_name="Thunderhead Engine",
        description="Runs on lightning and bad temper. Twice the speed, and every cow below looks up.",
        kind=ItemType.VIRTUAL_ITEM,
        external_game_id=CIRRUS_COURIERS.external_game_id,
        picture="thunderhead-engine.webp",
    ),
    DemoItem(
        sku="cirrus-couriers.brass-feathers-1200",
        item_name="Brass Feathers",
        description="Harbour towns take nothing else for fuel, moorings and the good kind of jam.",
        kind=ItemType.VIRTUAL_CURRENCY,
        external_game_id=CIRRUS_COURIERS.external_game_id,
        picture="brass-feathers.webp",
        price=Decimal("9.99"),
        quantity=1200,
    ),
    DemoItem(
        sku=GLIM.sku,
        item_name=GLIM.name,
        description=GLIM.description,
        kind=ItemType.VIRTUAL_CURRENCY,
        external_game_id="",
        picture=GLIM.picture,
        price=Decimal("2.99"),
        quantity=300,
    ),
)

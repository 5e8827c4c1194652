"""The demo's value points and what they come with, and its three chains: by points, by days, one after the other."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from haversack.catalog.items.drafts import ItemDraft
from haversack.catalog.records import ItemKind
from haversack.chains.drafts import ChainDraft, RewardDraft, StepDraft
from haversack.chains.records import ByDay, ByOrder, ByPoints, DailyType
from haversack.chains.reward.drafts import POINT_NOT_KNOWN_YET, RewardChainDraft
from haversack.demo.content import CIRRUS_COURIERS, GLIM, LANTERNFALL
from haversack.demo.shop.parts import FEATHERS, PEARLS
from haversack.text import Translations

_BELOW = LANTERNFALL.external_game_id
_ABOVE = CIRRUS_COURIERS.external_game_id
POINTS = ItemDraft(
    kind=ItemKind.VALUE_POINT,
    sku="lamplight",
    name={"en": "Lamplight", "de": "Lampenschein", "fr": "Lueur de lampe", "ja": "灯影"},
    description={"en": "What a lamp has left over for whoever stands beside it."},
    image_url="glims.webp",
)
# About ten for each dollar.
POINTS_OF_ITEMS = (
    (f"{_BELOW}.stormglass-lantern", 80),
    (f"{_BELOW}.moonwake-skiff", 120),
    (f"{_BELOW}.midwinter-lamp", 60),
    (f"{_BELOW}.keepers-crate", 90),
    (f"{_BELOW}.tide-pearls-500", 50),
    (f"{_BELOW}.tide-pearls-2400", 200),
)


def _step(number: int, sku: str, quantity: int, *, is_free: bool = True) -> StepDraft:
    where = f"steps.{number - 1}"
    rewards = (RewardDraft(f"{where}.items.0.sku", sku, quantity),)
    return StepDraft(property=where, number=number, rewards=rewards, is_free=is_free)


def _lit(step: StepDraft, name: Translations, points: int) -> StepDraft:
    return replace(step, name=name, points=points)


def reward_chain(starts_at: datetime, picture: Callable[[str], str]) -> RewardChainDraft:
    """Opens by lamplight; `picture`: where a picture of the demo is."""
    return RewardChainDraft(
        value_point=POINTS.sku,
        chain=ChainDraft(
            opening=ByPoints(value_point_id=POINT_NOT_KNOWN_YET),
            name={"en": "The Long Night", "de": "Die lange Nacht", "fr": "La longue nuit", "ja": "長い夜"},
            description={"en": "The more light you bring, the more the night gives back."},
            image_url=picture(LANTERNFALL.picture),
            is_enabled=True,
            starts_at=starts_at,
            steps=(
                _lit(_step(1, f"{_BELOW}.lamp-oil", 2), {"en": "First spark", "de": "Erster Funke"}, 50),
                _lit(_step(2, PEARLS, 200), {"en": "Steady flame", "de": "Ruhige Flamme"}, 150),
                _lit(_step(3, f"{_BELOW}.sea-sparks", 1), {"en": "Harbour beacon", "de": "Hafenfeuer"}, 300),
                _lit(_step(4, f"{_BELOW}.coral-circlet", 1), {"en": "Until dawn", "de": "Bis zum Morgen"}, 600),
            ),
        ),
    )


def daily_chain(starts_at: datetime) -> ChainDraft:
    """Five days, each player's own, and from the first again."""
    return ChainDraft(
        opening=ByDay(type=DailyType.ROLLING, is_recurrent=True),
        name={"en": "Morning Post", "de": "Morgenpost", "fr": "Courrier du matin", "ja": "朝の便り"},
        description={"en": "The postmistress has something for those who come by every day."},
        is_enabled=True,
        starts_at=starts_at,
        steps=(
            _step(1, FEATHERS, 20),
            _step(2, f"{_ABOVE}.paper-planes", 1),
            _step(3, FEATHERS, 40),
            _step(4, f"{_ABOVE}.altitude-thermos", 1),
            _step(5, GLIM.sku, 100),
        ),
    )


def offer_chain(starts_at: datetime) -> ChainDraft:
    """Something free, something for money, and something free for that."""
    return ChainDraft(
        opening=ByOrder(),
        name={"en": "Harbour Trade", "de": "Hafenhandel", "fr": "Troc au port", "ja": "港の取引"},
        description={"en": "One hand takes, the other gives, and the harbour seal counts along."},
        is_enabled=True,
        starts_at=starts_at,
        steps=(
            _step(1, f"{_BELOW}.signal-flare", 2),
            _step(2, f"{_BELOW}.tide-pearls-500", 1, is_free=False),
            _step(3, GLIM.sku, 150),
        ),
    )

"""The demo's promotions with their codes, what one attribute of its player shows, and what its shop offers beside."""

from dataclasses import dataclass
from decimal import Decimal

from haversack.demo.content import CIRRUS_COURIERS, LANTERNFALL
from haversack.login.actions.attributes import ChangedAttribute
from haversack.login.records import AttributeType as WrittenBy
from haversack.login.records import Permission
from haversack.personalization.drafts import NamedItem as RuleItem
from haversack.personalization.drafts import RuleDraft
from haversack.personalization.records import AttributeCondition, AttributeType
from haversack.promotions.drafts import NamedItem, PromotionDraft
from haversack.promotions.records import PromotionKind, PromotionLimits

_BELOW = LANTERNFALL.external_game_id
_ABOVE = CIRRUS_COURIERS.external_game_id
COUPON_CODE = "GIFT2026"
PROMO_CODE = "WELCOME10"
OFFER_CODE = "SECRETDOOR"
# Seen by those alone who have the code, or the rank.
OFFERED_SKU = f"{_BELOW}.mrs-pell"
KEEPERS_SKU = f"{_BELOW}.keepers-watch"
ONCE = PromotionLimits(per_user=1)


@dataclass(frozen=True, slots=True)
class DemoPromotion:
    """A promotion, and the code that opens it."""

    draft: PromotionDraft
    code: str | None = None


def _named(*skus: str) -> tuple[NamedItem, ...]:
    return tuple(NamedItem(sku, sku) for sku in skus)


def _given(**quantities: int) -> tuple[tuple[NamedItem, int], ...]:
    return tuple((NamedItem(sku, sku), quantity) for sku, quantity in quantities.items())


PROMOTIONS = (
    DemoPromotion(
        PromotionDraft(
            kind=PromotionKind.DISCOUNT,
            external_id="full-moon-sale",
            name={"en-US": "Full Moon Sale", "de-DE": "Vollmond-Rabatt"},
            is_enabled=True,
            item_discounts=(
                (
                    Decimal(20),
                    _named(
                        f"{_BELOW}.stormglass-lantern",
                        f"{_BELOW}.moonwake-skiff",
                        f"{_BELOW}.otis-harbour-seal",
                        f"{_ABOVE}.thunderhead-engine",
                    ),
                ),
            ),
        )
    ),
    DemoPromotion(
        PromotionDraft(
            kind=PromotionKind.BONUS,
            external_id="oil-with-every-lantern",
            name={"en-US": "Oil with every lantern", "de-DE": "Öl zu jeder Laterne"},
            is_enabled=True,
            needs_items=_named(f"{_BELOW}.stormglass-lantern"),
            bonuses=_given(**{f"{_BELOW}.lamp-oil": 2}),
        )
    ),
    DemoPromotion(
        PromotionDraft(
            kind=PromotionKind.PROMO_CODE,
            external_id="welcome",
            name={"en-US": "Welcome aboard", "de-DE": "Willkommen an Bord"},
            is_enabled=True,
            cart_percent=Decimal(10),
            limits=ONCE,
        ),
        PROMO_CODE,
    ),
    DemoPromotion(
        PromotionDraft(
            kind=PromotionKind.COUPON,
            external_id="new-years-gift",
            name={"en-US": "A gift for the new year", "de-DE": "Ein Geschenk zum neuen Jahr"},
            is_enabled=True,
            bonuses=_given(**{"glim-300": 1, f"{_BELOW}.signal-flare": 3}),
            limits=ONCE,
        ),
        COUPON_CODE,
    ),
    DemoPromotion(
        PromotionDraft(
            kind=PromotionKind.UNIQUE_OFFER,
            external_id="behind-the-secret-door",
            name={"en-US": "Behind the secret door", "de-DE": "Hinter der Geheimtür"},
            is_enabled=True,
            revealed=_named(OFFERED_SKU),
        ),
        OFFER_CODE,
    ),
)

# The game writes it; the player reads it.
RANK = ChangedAttribute(
    key="rank", value="keeper", permission=Permission.PRIVATE, attr_type=WrittenBy.SERVER, data_type="string"
)
RULE = RuleDraft(
    name="Keepers alone keep watch",
    is_enabled=True,
    conditions=(AttributeCondition(attribute=RANK.key, type=AttributeType.STRING, operator="eq", value=RANK.value),),
    items=(RuleItem(None, KEEPERS_SKU),),
    is_satisfied_for_unauth=False,
)
UPSELL_SKUS = ("glim-1100", "storm-watchers-set", f"{_ABOVE}.bramble-cloud-goat")

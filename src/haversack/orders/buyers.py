"""What is known of who buys, as far as the catalog asks for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from haversack.catalog.read_model.personal import buying, known_personal, with_partner
from haversack.catalog.read_model.queries import Knowing, list_players
from haversack.catalog.read_model.records import NOBODY, PackedUses, Personal
from haversack.catalog.selling import Shop
from haversack.context import Context
from haversack.database.engine import Session
from haversack.login.identities import PlayerIdentity
from haversack.orders.rules import Looked
from haversack.personalization.partner_view import partner_view
from haversack.projects.records import Project
from haversack.promotions.records import NO_CODES, Codes, Situation
from haversack.promotions.use_queries import read_codes
from haversack.promotions.uses import Use


@dataclass(frozen=True, slots=True)
class Buyer:
    """What there is for somebody, and what promotions see of them."""

    personal: Personal
    situation: Situation
    codes: Codes


def anybody(now: datetime) -> Buyer:
    """Somebody of whom nothing needs to be known."""
    return Buyer(NOBODY, Situation(now=now, attributes={}), NO_CODES)


async def find_buyer(
    context: Context,
    db: Session,
    shop: Shop,
    *,
    project: Project,
    player: PlayerIdentity,
    country: str | None,
    locale: str,
    promo_codes: Sequence[str],
    now: datetime,
) -> Buyer:
    """Who buys. What they are is read anew at each purchase, where anything in the catalog depends on it."""
    catalog = shop.catalog
    partner = await context.partner_catalog.read_for(db, project, player, country, locale)
    if not (catalog.depends_on_player or promo_codes or partner is not None):
        return anybody(now)
    knowing = Knowing(project.project_id, project.login_project_id)
    known = (await list_players(db, knowing, [player.player_id])).get(player.player_id, PackedUses(""))
    codes = await read_codes(db, project.project_id, promo_codes)
    personal, situation = buying(catalog, known_personal(catalog, known, now), codes, now)
    if partner is not None:
        personal = with_partner(catalog, personal, partner_view(catalog, partner, now))
    return Buyer(personal, situation, codes)


def uses_of_offers(shop: Shop, buyer: Buyer, looked: Sequence[Looked]) -> tuple[Use, ...]:
    """The unique offers that reveal what is bought."""
    promotions = shop.catalog.promotions
    wanted = {item_id for each in looked if each.item is not None for item_id in (each.item.item_id, each.item.game_id)}
    return tuple(
        Use(promotions.by_id[promotion_id], code)
        for promotion_id, code in buyer.codes.opened.items()
        if promotion_id in promotions.by_id and not wanted.isdisjoint(promotions.kept_back.get(promotion_id, ()))
    )

"""Everything that a trace is made of, read once: the catalog, what the player has used, rules, promotions."""

from collections.abc import Sequence
from dataclasses import dataclass

from haversack.carts.looking import Onlooker, onlooker
from haversack.catalog.read_model.filling import personal_of
from haversack.catalog.read_model.queries import unpacked_uses
from haversack.catalog.read_model.records import NOBODY
from haversack.clock import real_now
from haversack.context import Context
from haversack.explain.records import Asked
from haversack.login.identities import PlayerIdentity
from haversack.login.rules import outside_player_id
from haversack.personalization.queries import list_applied_rules
from haversack.personalization.records import FilterRule, PartnerAnswer
from haversack.projects.records import Personalization, Project
from haversack.promotions.queries import list_promotions
from haversack.promotions.records import Promotion, Situation
from haversack.promotions.uses import read_situation


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is true for somebody at a moment. partner: what the game says of the player, where it is asked."""

    project: Project
    asked: Asked
    player: PlayerIdentity | None
    eyes: Onlooker
    rules: Sequence[FilterRule]
    partner: PartnerAnswer | None
    promotions: Sequence[Promotion]
    situation: Situation


def player_of(project: Project, name: str) -> PlayerIdentity:
    """The player whom the game calls so; an account need not exist."""
    return PlayerIdentity(
        login_project_id=project.login_project_id,
        player_id=outside_player_id(project.login_project_id, name),
        expires_at=real_now(),
        external_id=name,
    )


async def read_facts(context: Context, project: Project, asked: Asked, codes: Sequence[str] = ()) -> Facts:
    """What is true for the one asked about. Stock and uses are those of now, whatever the moment is."""
    db = context.database.session()
    player = None if asked.player is None else player_of(project, asked.player)
    held = await context.catalogs.get(project.project_id)
    assert held.catalog is not None, "a catalog that was asked for is compiled"
    personal = NOBODY
    if player is not None:
        uses = await context.catalogs.uses.read(project.project_id, player.player_id)
        personal = personal_of(held.catalog, unpacked_uses(uses), asked.at)
    partner = None
    if project.personalization is Personalization.PARTNER:
        partner = await context.partner_catalog.read(project, player, asked.country, asked.currency, asked.language)
    given = [*codes, *([asked.code] if asked.code is not None else [])]
    return Facts(
        project=project,
        asked=asked,
        player=player,
        eyes=onlooker(held, personal, country=asked.country, currency=asked.currency, now=asked.at),
        rules=await list_applied_rules(db, project.project_id),
        partner=partner,
        promotions=await list_promotions(db, project.project_id),
        situation=await read_situation(db, project.project_id, player, now=asked.at, codes=given),
    )

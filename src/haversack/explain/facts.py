"""Everything that a trace is made of, read once: the catalog, what is known of the player, what the game says."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from haversack.carts.looking import Onlooker, onlooker
from haversack.catalog.read_model.compiled import Catalog
from haversack.catalog.read_model.personal import personal_of
from haversack.catalog.read_model.queries import Knowing, unpacked_standing
from haversack.clock import real_now
from haversack.context import Context
from haversack.explain.records import Asked
from haversack.login.identities import PlayerIdentity
from haversack.login.rules import outside_player_id
from haversack.personalization.queries import list_disabled_rules
from haversack.personalization.records import FilterRule, PartnerAnswer
from haversack.projects.records import Personalization, Project
from haversack.promotions.queries import list_promotions
from haversack.promotions.records import NO_CODES, Promotion, Situation
from haversack.promotions.use_queries import read_codes


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is true for somebody at a moment. rules and promotions: those that are switched off too; partner: what the
    game says of the player, where it is asked."""

    project: Project
    asked: Asked
    eyes: Onlooker
    rules: Sequence[FilterRule]
    partner: PartnerAnswer | None
    promotions: Sequence[Promotion]

    @property
    def catalog(self) -> Catalog:
        """The compiled catalog."""
        return self.eyes.shop.catalog

    @property
    def situation(self) -> Situation:
        """Who buys, as promotions look at them. attributes None: nobody is signed in."""
        return self.eyes.situation


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
    eyes = await _read_eyes(context, project, player, asked, codes)
    partner = None
    if project.personalization is Personalization.PARTNER:
        partner = await context.partner_catalog.read(project, player, asked.country, asked.currency, asked.language)
    catalog = eyes.shop.catalog
    disabled = await list_disabled_rules(db, project.project_id)
    stored = await list_promotions(db, project.project_id)
    return Facts(
        project=project,
        asked=asked,
        eyes=eyes,
        # What is switched on is that of the catalog's version, so that a trace is of one moment.
        rules=sorted([*catalog.filter_rules, *disabled], key=lambda rule: rule.rule_id),
        partner=partner,
        promotions=[*catalog.promotions.by_id.values(), *(each for each in stored if not each.is_enabled)],
    )


async def _read_eyes(
    context: Context, project: Project, player: PlayerIdentity | None, asked: Asked, given: Sequence[str]
) -> Onlooker:
    held = await context.catalogs.get(project.project_id)
    catalog = held.catalog
    assert catalog is not None, "a catalog that was asked for is compiled"
    all_codes = [*given, *([] if asked.code is None else [asked.code])]
    codes = await read_codes(context.database.session(), project.project_id, all_codes)
    personal = catalog.for_everybody
    if player is not None:
        knowing = Knowing(project.project_id, project.login_project_id if catalog.depends_on_player else None)
        packed = await context.catalogs.players.read(knowing, player.player_id)
        personal = personal_of(catalog, unpacked_standing(packed), asked.at)
    eyes = onlooker(
        held,
        personal,
        # The catalog reveals unique offers to players alone.
        NO_CODES if player is None else codes,
        country=asked.country,
        currency=asked.currency,
        language=asked.language,
        now=asked.at,
    )
    if player is not None:
        return eyes
    situation = replace(eyes.situation, attributes=None, code_promotion_ids=codes.promotion_ids, totals=codes.totals)
    return replace(eyes, situation=situation)

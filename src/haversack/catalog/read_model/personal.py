"""What the catalog is to a player: what is left of limits, which promotions are theirs, what they do not see."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from haversack.catalog.read_model.compiled import Catalog
from haversack.catalog.read_model.queries import unpacked_standing
from haversack.catalog.read_model.records import (
    ALWAYS,
    NOT_FOR_PLAYER,
    PackedUses,
    Personal,
    PlayerUses,
    Standing,
)
from haversack.catalog.records import ItemKind
from haversack.limits.records import Window
from haversack.limits.rules import available_to_player, is_hidden_by_player_limit, since_reset, used_in
from haversack.personalization.partner_view import PartnerView
from haversack.personalization.rules import hidden_items, meets_all
from haversack.promotions.records import Codes, Promotion, Situation, UserAttributes
from haversack.promotions.rules import hindrance, left_to_player

# What so many players are is remembered, for one catalog.
PERSONALS_KEPT_MAX = 2_000


def known_personal(catalog: Catalog, packed: PackedUses, now: datetime) -> Personal:
    """What the catalog is to a player, made once until what is known of them changes or the window of a limit ends."""
    found = catalog.personals.get(packed)
    if found is None or not found.since <= now < found.until:
        found = personal_of(catalog, unpacked_standing(packed), now)
        if len(catalog.personals) >= PERSONALS_KEPT_MAX:
            catalog.personals.clear()
        catalog.personals[packed] = found
    return found


def personal_of(catalog: Catalog, standing: Standing, now: datetime) -> Personal:
    """What the catalog is to a player. Uses of a window that is over do nothing."""
    found = _of_uses(catalog, standing.items, now)
    promotions = catalog.promotions
    if not (promotions.depends_on_player or promotions.kept_back or catalog.filter_rules):
        return found
    withheld = hidden_items(catalog.filter_rules, standing.attributes) | catalog.kept_back
    return _of_promotions(
        catalog,
        replace(
            found,
            hidden=found.hidden | withheld,
            withheld=withheld,
            promotion_uses={number: each.uses for number, each in standing.promotions.items()},
            promotion_resets={
                number: each.reset_at for number, each in standing.promotions.items() if each.reset_at is not None
            },
            attributes=standing.attributes,
        ),
        now,
    )


def situation_of(personal: Personal, now: datetime) -> Situation:
    """The player as promotions look at them, without codes."""
    return Situation(
        now=now,
        attributes=personal.attributes,
        uses=personal.promotion_uses,
        resets=personal.promotion_resets,
    )


def with_partner(catalog: Catalog, personal: Personal, view: PartnerView) -> Personal:
    """The same as the game offers it: what it does not name is hidden, and its numbers bound what may be bought."""
    left = dict(personal.left)
    for item_id, quantity in view.left.items():
        limits = catalog.entries[item_id].limits
        allowed = limits.per_user if limits is not None else None
        known = left.get(item_id, allowed)
        left[item_id] = quantity if known is None else min(known, quantity)
    return replace(
        personal,
        left=left,
        hidden=personal.hidden | view.hidden,
        withheld=personal.withheld | view.hidden,
        touched=personal.touched.union(view.left),
        since=max(personal.since, view.since),
        until=min(personal.until, view.until),
    )


def buying(catalog: Catalog, personal: Personal, codes: Codes, now: datetime) -> tuple[Personal, Situation]:
    """What the catalog is to somebody who buys and has given codes, and how promotions look at them."""
    if codes.opened and catalog.kept_back:
        personal = with_revealed(catalog, personal, codes, now)
    situation = replace(
        situation_of(personal, now),
        attributes=personal.attributes or {},
        code_promotion_ids=codes.promotion_ids,
        totals=codes.totals,
    )
    return personal, situation


def with_revealed(catalog: Catalog, personal: Personal, codes: Codes, now: datetime) -> Personal:
    """The same with what the player's codes reveal of unique offers that are open to them."""
    situation = replace(situation_of(personal, now), code_promotion_ids=codes.promotion_ids, totals=codes.totals)
    revealed = {
        item_id
        for promotion_id in codes.promotion_ids & catalog.promotions.kept_back.keys()
        if promotion_id in catalog.promotions.by_id
        and hindrance(catalog.promotions.by_id[promotion_id], situation, [], total=None) is None
        for item_id in catalog.promotions.kept_back[promotion_id]
    }
    if not revealed:
        return personal
    ruled = hidden_items(catalog.filter_rules, personal.attributes)
    shown = catalog.with_keys(revealed) - ruled
    used_up = {item_id for item_id in shown if personal.left.get(item_id) == 0}
    return replace(personal, hidden=personal.hidden - (shown - used_up), withheld=personal.withheld - shown)


def _of_uses(catalog: Catalog, used: Mapping[int, PlayerUses], now: datetime) -> Personal:
    left: dict[int, int] = {}
    hidden: set[int] = set()
    touched: set[int] = set()
    since, until = ALWAYS
    for item_id, player_uses in used.items():
        entry = catalog.entries.get(item_id)
        if entry is None or entry.limits is None or entry.limits.per_user is None:
            continue
        limits, uses = entry.limits, player_uses.uses
        scheduled = catalog.window_of(limits.schedule, now)
        window = since_reset(scheduled, now, reset_at=player_uses.reset_at)
        since, until = _narrowed(since, until, scheduled, player_uses.reset_at, now)
        if not used_in(uses, window):
            continue
        available = available_to_player(limits, uses, window)
        left[item_id] = available
        holders = catalog.holders[item_id]
        touched |= holders
        if available == 0 and is_hidden_by_player_limit(limits, uses, window):
            hidden.add(item_id)
        if available == 0:
            # A bundle cannot be had without what it holds.
            hidden.update(each for each in holders if each != item_id and catalog.entries[each].kind is ItemKind.BUNDLE)
    return Personal(left, frozenset(hidden), frozenset(touched), since, until)


def _of_promotions(catalog: Catalog, found: Personal, now: datetime) -> Personal:
    """Which promotions are otherwise to this player than to somebody who is not signed in, and what they touch."""
    promotions = catalog.promotions
    situation = situation_of(found, now)
    since, until = found.since, found.until
    states: dict[int, int | None] = {}
    touched = set(found.touched)
    for promotion_id in promotions.personal | promotions.limited:
        promotion = promotions.by_id[promotion_id]
        if promotion.kind.has_codes:
            continue
        if promotion.limits.per_user is not None:
            scheduled = catalog.window_of(promotion.limits.schedule, now)
            since, until = _narrowed(since, until, scheduled, found.promotion_resets.get(promotion_id), now)
        left = left_to_player(promotion, situation)
        is_theirs = _is_for(promotion, found.attributes)
        if is_theirs and left == promotion.limits.per_user and _is_for(promotion, None):
            continue
        if is_theirs or _is_for(promotion, None):
            states[promotion_id] = left if is_theirs else NOT_FOR_PLAYER
            touched |= catalog.touched_by(promotion_id)
    return replace(found, promotions=states, touched=frozenset(touched), since=since, until=until)


def _is_for(promotion: Promotion, attributes: Mapping[str, str] | None) -> bool:
    return all(
        meets_all(condition.conditions, attributes)
        for condition in promotion.conditions
        if isinstance(condition, UserAttributes)
    )


def _narrowed(
    since: datetime, until: datetime, window: Window, reset_at: datetime | None, now: datetime
) -> tuple[datetime, datetime]:
    """The part of a time in which a limit has this window and this reset by hand."""
    if window.next is not None:
        since, until = max(since, window.start), min(until, window.next)
    if reset_at is None:
        return since, until
    return (max(since, reset_at), until) if reset_at <= now else (since, min(until, reset_at))

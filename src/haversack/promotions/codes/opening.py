"""Opens codes for players: finds what stands behind one, or says why it opens nothing, without using it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from haversack.catalog.records import ItemKind
from haversack.catalog.selling import SellableItem, Shop, open_shop
from haversack.errors import CODE_EXPIRED, CODE_NOT_IN_REGION, REDEMPTION_LIMIT_REACHED, STORE, ErrorKind
from haversack.http.calls import BuyerCall
from haversack.http.problems import invalid
from haversack.personalization.attributes import read_attributes
from haversack.promotions.codes.guessing import Guess
from haversack.promotions.codes.rules import CODE_PATTERN, CodeFault, Unit, choose_keys, fault_of
from haversack.promotions.queries import FoundCode, find_by_code
from haversack.promotions.records import BonusItems, Promotion, PromotionKind, RevealedItems, Situation
from haversack.promotions.rules import left_to_player, needs_attributes
from haversack.promotions.use_queries import find_reset, find_uses
from haversack.promotions.uses import WORDS

_CODE = re.compile(CODE_PATTERN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a code opens for a player: its promotion, and the items it gives that are still there. `keys`: those that
    the player may have of each game among them, by the game's id."""

    promotion: Promotion
    code: str
    shop: Shop
    country: str | None
    bonuses: tuple[tuple[SellableItem, int], ...]
    keys: Mapping[int, tuple[SellableItem, ...]]

    def items_of(self, item_ids: Sequence[int]) -> list[SellableItem]:
        """The items of ids, without those that are gone."""
        return _available(self.shop, item_ids)

    def keys_of(self, game: SellableItem) -> tuple[SellableItem, ...]:
        """The keys of a game; of one that is given those that the player may have."""
        found = self.keys.get(game.item_id)
        return _keys_of(self.shop, game) if found is None else found

    def choose(self, chosen: Mapping[str, str] | None) -> dict[str, str]:
        """The key that is given for each game among the rewards (SKUs), or a refusal that names the games for which
        one has to be chosen."""
        units = [
            Unit(item.sku, tuple(key.sku for key in self.keys[item.item_id]))
            for item, _ in self.bonuses
            if item.item_id in self.keys
        ]
        keys, faults = choose_keys(units, chosen or {})
        if faults:
            raise invalid(STORE.invalid, faults)
        return keys

    def given(self, keys: Mapping[str, str]) -> list[tuple[SellableItem, int]]:
        """What is given, with the chosen keys in the place of their games."""
        found = []
        for item, quantity in self.bonuses:
            key = keys.get(item.sku)
            given = item if key is None else self.shop.find_by_sku(key)
            assert given is not None, f"{key} was among the keys of {item.sku}"
            found.append((given, quantity))
        return found


async def open_code(
    call: BuyerCall,
    code: str,
    kinds: Sequence[PromotionKind],
    *,
    country: str | None,
    unknown: ErrorKind,
    is_used_now: bool = False,
) -> Opened:
    """What a code opens for the player in a country, or why it does not.

    `unknown` is told of whatever must not be told apart from a code that does not exist: used up, switched off, of
    another kind, not for this player. is_used_now: the player's own limit is left to the transaction that counts it.
    """
    guess = Guess.of(call)
    guess.check()
    found = await find_by_code(call.db, call.project_id, code) if _CODE.fullmatch(code) else None
    if found is None or found.promotion.kind not in kinds:
        raise _missed(guess, unknown)
    fault = await _fault_of(call, found.promotion)
    if fault is CodeFault.UNKNOWN:
        raise _missed(guess, unknown)
    guess.check()
    if fault is CodeFault.EXPIRED:
        raise CODE_EXPIRED()
    if not (is_used_now and found.has_uses_left):
        await _check_player(call, found.promotion)
    if not found.has_uses_left:
        raise _missed(guess, unknown)
    return await _open(call, found, code, country)


def _missed(guess: Guess, unknown: ErrorKind) -> Exception:
    guess.missed()
    return unknown()


async def _fault_of(call: BuyerCall, promotion: Promotion) -> CodeFault | None:
    attributes = None
    if needs_attributes(promotion):
        attributes = await read_attributes(call.db, call.project_id, call.player)
    return fault_of(promotion, attributes, now=call.now)


async def _check_player(call: BuyerCall, promotion: Promotion) -> None:
    """Refuse who has used it as often as each player may: they know that it exists."""
    if promotion.limits.per_user is None:
        return
    promotion_id = promotion.promotion_id
    uses = await find_uses(call.db, call.project_id, promotion_id, call.player_id)
    reset_at = await find_reset(call.db, call.project_id, promotion_id)
    situation = Situation(
        now=call.now,
        attributes={},
        uses={} if uses is None else {promotion_id: uses},
        resets={} if reset_at is None else {promotion_id: reset_at},
    )
    if left_to_player(promotion, situation) == 0:
        raise REDEMPTION_LIMIT_REACHED(what=WORDS[promotion.kind])


async def _open(call: BuyerCall, found: FoundCode, code: str, country: str | None) -> Opened:
    shop, promotion = await open_shop(call.context.catalogs, call.project_id), found.promotion
    quantities = {
        item_id: quantity
        for reward in promotion.rewards
        if isinstance(reward, BonusItems)
        for item_id, quantity in reward.items
    }
    revealed = [
        item_id for reward in promotion.rewards if isinstance(reward, RevealedItems) for item_id in reward.item_ids
    ]
    given = _available(shop, list(quantities))
    games = [item for item in given if item.kind is ItemKind.GAME]
    keys = {game.item_id: tuple(k for k in _keys_of(shop, game) if shop.is_sold_in(k, country)) for game in games}
    # All or nothing: one thing that is not sold where the player is keeps all of it back.
    if not all(shop.is_sold_in(item, country) for item in [*given, *_available(shop, revealed)]) or not all(
        keys.values()
    ):
        raise CODE_NOT_IN_REGION(what=WORDS[promotion.kind].capitalize())
    return Opened(
        promotion=promotion,
        code=code,
        shop=shop,
        country=country,
        bonuses=tuple((item, quantities[item.item_id]) for item in given),
        keys=keys,
    )


def _available(shop: Shop, item_ids: Sequence[int]) -> list[SellableItem]:
    """Items that are switched on, sold by themselves or not. What is gone is skipped, as in bundles."""
    found = [shop.find_by_id(item_id) for item_id in item_ids]
    return [item for item in found if item is not None and item.entry.is_enabled]


def _keys_of(shop: Shop, game: SellableItem) -> tuple[SellableItem, ...]:
    return tuple(_available(shop, [entry.item_id for entry in shop.catalog.keys_of.get(game.item_id, ())]))

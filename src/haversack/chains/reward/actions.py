"""Changes of reward chains by a studio, as far as they differ from those of other kinds, and of a player's clan."""

from collections.abc import Sequence
from dataclasses import dataclass

from haversack.catalog.items.queries import list_items_by_ids, lock_item
from haversack.catalog.records import Item, ItemKind
from haversack.catalog.selling import SellableItem, Shop, open_shop
from haversack.chains import actions
from haversack.chains.claiming import Taking, read_standing, take_steps, with_rewards
from haversack.chains.queries.chains import list_chains
from haversack.chains.queries.points import find_clan, set_clan
from haversack.chains.records import ByPoints, Chain, ChainKind, by_points
from haversack.chains.reward.drafts import RewardChainDraft, in_place_of, with_point
from haversack.chains.rules import claimable_steps, is_running, rewards_for
from haversack.database.engine import Session
from haversack.http.calls import AdminCall, BuyerCall
from haversack.orders.queries import take_turn
from haversack.personalization.attributes import read_attributes
from haversack.personalization.records import Attributes

# The attribute in which a game says which clan a player is in.
CLAN_ATTRIBUTE = "clan_id"


async def create_reward_chain(call: AdminCall, draft: RewardChainDraft) -> int:
    """Make a reward chain and return its id."""
    assert draft.value_point is not None, "a new chain says what it counts"
    async with call.db.begin():
        # Locked, so that it is not deleted meanwhile.
        point = await lock_item(call.db, call.project_id, (ItemKind.VALUE_POINT,), sku=draft.value_point)
        return await actions.create_chain(call, with_point(draft, point))


async def update_reward_chain(call: AdminCall, chain_id: int, draft: RewardChainDraft) -> None:
    """Put a draft in the place of a reward chain, also of one that is switched on. Players keep points and progress."""
    async with call.db.begin():
        existing = await actions.lock_chain(call.db, call.project_id, ChainKind.REWARD, chain_id)
        points = await find_points(call.db, call.project_id, [existing])
        point = points.get(existing.chain_id)
        whole = in_place_of(draft, existing, None if point is None else point.sku)
        await actions.update_chain(call, ChainKind.REWARD, chain_id, whole, only_switched_off=False)


async def find_points(db: Session, project_id: int, chains: Sequence[Chain]) -> dict[int, Item]:
    """The value points that reward chains count, by the chains' ids."""
    counted = {chain.chain_id: by_points(chain).value_point_id for chain in chains}
    found = {item.item_id: item for item in await list_items_by_ids(db, project_id, sorted(set(counted.values())))}
    return {chain_id: found[point] for chain_id, point in counted.items() if point in found}


@dataclass(frozen=True, slots=True)
class LeftReward:
    """So many of an item that a clan's step gave."""

    item: SellableItem
    quantity: int


async def update_clan(call: BuyerCall) -> list[LeftReward]:
    """Read anew which clan a player is in, and return what was received of what the old clan had left.

    Where the clan has changed, every step that the old one has opened and the player has not taken is taken, of chains
    that run, whoever else sees them.
    """
    shop = await open_shop(call.context.catalogs, call.project_id)
    async with call.db.begin():
        await take_turn(call.db, call.project_id, call.player_id)
        # Under the turn, so that of two calls the later one has the newer attributes.
        attributes = await read_attributes(call.db, call.project_id, call.player)
        clan = clan_of(attributes)
        old = await find_clan(call.db, call.project_id, call.player_id)
        if clan == old:
            return []
        left = [] if old is None else await _take_what_is_left(call, shop, attributes)
        await set_clan(call.db, call.project_id, call.player_id, clan, now=call.now)
    return left


def clan_of(attributes: Attributes | None) -> str | None:
    """The clan that attributes name; None where there is none."""
    return (attributes or {}).get(CLAN_ATTRIBUTE, "").strip() or None


async def _take_what_is_left(call: BuyerCall, shop: Shop, attributes: Attributes | None) -> list[LeftReward]:
    takings: list[Taking] = []
    for chain in await list_chains(call.db, call.project_id):
        if isinstance(chain.opening, ByPoints) and chain.opening.is_clan and is_running(chain, call.now):
            standing = await read_standing(call.db, chain, call.player_id, call.now)
            takings += [
                Taking(chain, step, standing.progress.window_start)
                for step in claimable_steps(chain, standing, call.now)
            ]
    shop = await with_rewards(call, shop, [taking.step for taking in takings])
    taken = await take_steps(call.db, shop, takings, player_id=call.player_id, attributes=attributes, now=call.now)
    return _rewards_of(shop, taken, attributes)


def _rewards_of(shop: Shop, taken: Sequence[Taking], attributes: Attributes | None) -> list[LeftReward]:
    """What steps gave, equal items added up."""
    totals: dict[int, int] = {}
    for taking in taken:
        for item_id, quantity in rewards_for(taking.step, attributes):
            totals[item_id] = totals.get(item_id, 0) + quantity
    found = ((shop.find_by_id(item_id), quantity) for item_id, quantity in totals.items())
    return [LeftReward(item, quantity) for item, quantity in found if item is not None]

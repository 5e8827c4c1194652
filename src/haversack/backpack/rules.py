"""What may happen to a Backpack item. Pure: no database, no clock."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from uuid import UUID

from haversack.backpack.records import Flow, Game, Item, ItemState, ItemType, NewItem
from haversack.errors import (
    BACKPACK_ITEM_NOT_FOUND,
    IS_WALLET_CURRENCY,
    ITEM_HAS_OTHER_TYPE,
    ITEM_IS_BEING_RECEIVED,
    NOT_WALLET_CURRENCY,
    PLATFORM_ACCOUNT_DIFFERS,
    PLATFORM_NOT_LINKED,
)

HELD_STATES = (ItemState.CLAIMED, ItemState.CHECKING, ItemState.DELIVERING)


def holder_of(caller: str, idempotency_key: str | None, user_game_id: str) -> bytes | None:
    """What a repeat of a request is known by, as it stands on the item that the request holds; None without a key.

    The account is part of it: a key that is used anew for another account is another request.
    """
    if idempotency_key is None:
        return None
    digest = hashlib.sha256()
    for part in (caller.encode(), idempotency_key.encode(), user_game_id.encode()):
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.digest()


def has_handed_over(item: Item, expected: ItemType, holder: bytes | None) -> bool:
    """Whether this very request has already handed the item to the game, so that a repeat learns what became of it."""
    is_own = holder is not None and item.held_by == holder and item.item_type is expected
    return is_own and item.state in (ItemState.DELIVERING, ItemState.RECEIVED)


def check_may_be_touched(item: Item, holder: bytes | None = None) -> None:
    """Refuse while the item is on its way to a game, or has left. `holder`: a hold of its own stops nobody."""
    if item.state in (ItemState.RECEIVED, ItemState.DELETED):
        raise BACKPACK_ITEM_NOT_FOUND(item_id=item.item_id)
    # A process that died while it asked the game leaves `checking` behind; after its time it counts as claimed.
    is_own = holder is not None and item.held_by == holder
    if item.state is ItemState.DELIVERING or (item.state is ItemState.CHECKING and item.is_busy and not is_own):
        raise ITEM_IS_BEING_RECEIVED(item_id=item.item_id)


def check_may_move_to_game(item: Item, expected: ItemType, holder: bytes | None = None) -> None:
    """Refuse an item that this call cannot deliver to a game."""
    check_may_be_touched(item, holder)
    if item.item_type is not expected:
        raise ITEM_HAS_OTHER_TYPE(item_id=item.item_id, item_type=item.item_type, expected=expected)
    if item.flow is Flow.WALLET:
        raise IS_WALLET_CURRENCY(item_id=item.item_id)


def check_may_go_to_wallet(item: Item) -> None:
    """Refuse what is not a currency of the wallet."""
    check_may_be_touched(item)
    if item.item_type is not ItemType.VIRTUAL_CURRENCY:
        raise ITEM_HAS_OTHER_TYPE(item_id=item.item_id, item_type=item.item_type, expected=ItemType.VIRTUAL_CURRENCY)
    if item.is_external_vc:
        raise NOT_WALLET_CURRENCY(item_id=item.item_id)


def receiving_account(item: Item, *, given: str, linked: str | None) -> str:
    """The player's id that the game is asked about: the one given, or for a platform item the linked account."""
    if item.flow is not Flow.LINK:
        return given
    if linked is None:
        raise PLATFORM_NOT_LINKED(item_id=item.item_id, platform=item.platform)
    if given and given != linked:
        raise PLATFORM_ACCOUNT_DIFFERS(item_id=item.item_id, platform=item.platform)
    return linked


def build_item(
    new: NewItem,
    *,
    project_id: int,
    merchant_id: int,
    player_id: UUID,
    item_id: UUID,
    game: Game | None,
    is_wallet_currency: bool,
    now: datetime,
) -> Item:
    """The item as it stands in the Backpack. A game's own name and picture win over those given with the item."""
    return Item(
        project_id=project_id,
        merchant_id=merchant_id,
        item_id=item_id,
        player_id=player_id,
        item_type=new.item_type,
        item_sku=new.item_sku,
        item_name=new.item_name,
        image_url=new.image_url,
        description=new.description,
        code=new.code,
        price=new.price,
        currency=new.currency,
        quantity=new.quantity,
        platform=new.platform,
        game_id=game.game_id if game else None,
        external_game_id=new.external_game_id,
        game_name=game.game_name if game else new.game_name,
        game_image_url=game.game_image_url if game else new.game_image_url,
        is_external_vc=new.item_type is ItemType.VIRTUAL_CURRENCY and not is_wallet_currency,
        created_at=now,
    )


def games_to_make(items: Iterable[NewItem], known: Iterable[Game]) -> list[NewItem]:
    """The items that bring a game nobody has created yet: an unknown id that came with a name. First one wins."""
    seen = {game.external_game_id for game in known}
    found = []
    for item in items:
        if item.external_game_id and item.game_name and item.external_game_id not in seen:
            seen.add(item.external_game_id)
            found.append(item)
    return found


def group_by_game(items: Sequence[Item]) -> list[tuple[str, list[Item]]]:
    """Items under their games' names, by name; those without a game last, under the empty name."""
    groups: dict[str, list[Item]] = defaultdict(list)
    for name, run in groupby(items, key=lambda item: item.game_name):
        groups[name].extend(run)
    return sorted(groups.items(), key=lambda group: (group[0] == "", group[0].casefold(), group[0]))

"""Changes of the Backpack that its distributors make: filling, deleting, and the games that gather items."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from haversack.backpack import queries, rules
from haversack.backpack.records import Game, Item, ItemState, ItemType, NewItem
from haversack.database.engine import Session
from haversack.errors import GAME_EXISTS, GAME_NOT_FOUND
from haversack.http.calls import HostCall
from haversack.inventory.queries.wallet import list_wallet_currencies
from haversack.projects.records import Project
from haversack.sealing import Sealer


async def add_items(call: HostCall, player_id: UUID, new: Sequence[NewItem]) -> list[Item]:
    """Put items into a player's Backpack, all or nothing; the records come back in the same order."""
    async with call.db.together():
        return await fill_backpack(call.db, call.context.sealer, call.project, player_id, new)


async def fill_backpack(
    db: Session, sealer: Sealer, project: Project, player_id: UUID, new: Sequence[NewItem]
) -> list[Item]:
    """The same inside a transaction of the caller."""
    now = project.clock.now()
    games = await _find_or_make_games(db, project, new)
    currencies = [item.item_sku for item in new if item.item_type is ItemType.VIRTUAL_CURRENCY]
    wallet = await list_wallet_currencies(db, project.project_id, currencies) if currencies else set()
    items = [
        rules.build_item(
            each,
            project_id=project.project_id,
            merchant_id=project.merchant_id,
            player_id=player_id,
            item_id=uuid4(),
            game=games.get(each.external_game_id),
            is_wallet_currency=each.item_sku in wallet,
            now=now,
        )
        for each in new
    ]
    await queries.add_items(db, sealer, items)
    return items


async def _find_or_make_games(db: Session, project: Project, new: Sequence[NewItem]) -> dict[str, Game]:
    """The games that the items name, made where an unknown one came with its name."""
    wanted = sorted({item.external_game_id for item in new if item.external_game_id})
    if not wanted:
        return {}
    known = await queries.find_games(db, project_id=project.project_id, external_game_ids=wanted)
    missing = rules.games_to_make(new, known)
    for item in sorted(missing, key=lambda item: item.external_game_id):
        await make_game(
            db,
            project,
            external_game_id=item.external_game_id,
            game_name=item.game_name,
            game_image_url=item.game_image_url,
        )
    if missing:
        known = await queries.find_games(db, project_id=project.project_id, external_game_ids=wanted)
    return {game.external_game_id: game for game in known}


async def make_game(
    db: Session, project: Project, *, external_game_id: str, game_name: str, game_image_url: str
) -> UUID | None:
    """Make a game and return its id; None if one with this external id exists."""
    return await queries.add_game(
        db,
        project_id=project.project_id,
        external_game_id=external_game_id,
        game_name=game_name,
        game_image_url=game_image_url,
        now=project.clock.now(),
    )


async def delete_item(call: HostCall, player_id: UUID, item_id: UUID) -> None:
    """Take an item out of a player's Backpack. One that is on its way to a game is refused."""
    async with call.db.together():
        item = await queries.lock_item_for_player(
            call.db, call.context.sealer, project_ids=[call.project_id], player_id=player_id, item_id=item_id
        )
        rules.check_may_be_touched(item)
        await queries.move_item(
            call.db,
            project_id=item.project_id,
            item_id=item_id,
            from_states=[ItemState.CLAIMED, ItemState.CHECKING],
            to_state=ItemState.DELETED,
            settled_at=call.now,
        )
        await queries.forget_code(call.db, project_id=item.project_id, item_id=item_id)


async def create_game(call: HostCall, *, external_game_id: str, game_name: str, game_image_url: str) -> UUID:
    """Make a game and return its id."""
    async with call.db.together():
        game_id = await make_game(
            call.db,
            call.project,
            external_game_id=external_game_id,
            game_name=game_name,
            game_image_url=game_image_url,
        )
    if game_id is None:
        raise GAME_EXISTS(external_game_id=external_game_id)
    return game_id


async def update_game(
    call: HostCall, *, external_game_id: str, game_name: str | None, game_image_url: str | None
) -> None:
    """Change a game's name or picture, for the items that it already gathers too."""
    async with call.db.together():
        is_known = await queries.update_game(
            call.db,
            project_id=call.project_id,
            external_game_id=external_game_id,
            game_name=game_name,
            game_image_url=game_image_url,
        )
    if not is_known:
        raise GAME_NOT_FOUND(external_game_id=external_game_id)

"""Receiving: an item leaves the Backpack for its game or the wallet, exactly once in effect.

Moving to a game takes four steps, each a transaction of its own, so that the process may die between any two:
  claimed → checking     the caller alone may go on; its hold ends by itself if it dies
  (asked)                the game is asked whether it knows the player; nothing is held meanwhile
  checking → delivering  the event is written in the same transaction (outbox)
  (told)                 the event is sent until the game answers, and the transaction that records the answer moves
                         the item: delivering → received, or back to claimed when the game refused it
The item carries the request that holds it: a repeat of the request, by its Idempotency-Key, goes on at the step that
its first run has reached.
"""

from datetime import timedelta
from uuid import UUID, uuid4

from haversack.backpack import queries, rules
from haversack.backpack.records import Flow, Item, ItemState, ItemType
from haversack.context import Context
from haversack.database.engine import Session
from haversack.errors import (
    GAME_AWAY,
    GAME_REFUSED_ITEM,
    GAME_SILENT,
    GAME_WITHOUT_WEBHOOK,
    ITEM_IS_BEING_RECEIVED,
    PLAYER_NOT_IN_GAME,
)
from haversack.inventory.actions import CurrencyGrant, grant
from haversack.login.actions import find_platform_account
from haversack.login.identities import PlayerIdentity
from haversack.projects.records import BackpackWebhooks, Project
from haversack.webhooks.actions import publish
from haversack.webhooks.asking import AnswerKind, ask
from haversack.webhooks.delivery import settle
from haversack.webhooks.events import (
    BackpackItemMoved,
    BackpackItemPaid,
    BackpackUserValidation,
    UserValidation,
)
from haversack.webhooks.records import FailureReason, Purpose, SettledDelivery

REFERENCE = "backpack"
# On top of the time that the game may take to answer: after this the asking process is taken to be dead.
HOLD_MARGIN_SECONDS = 10
SETTLE_SECONDS = 20.0


async def move_to_game(
    context: Context,
    db: Session,
    player: PlayerIdentity,
    *,
    item_id: UUID,
    user_game_id: str,
    expected: ItemType,
    holder: bytes | None = None,
) -> None:
    """Deliver an item to the player's account in its game; returns when the game has accepted it.

    holder: what a repeat of this request is known by (`rules.holder_of`).
    Raises what stands in the way. After GAME_SILENT the item stays held and is sent again until the game answers.
    """
    projects = {
        each.project_id: each for each in await context.directory.list_projects_of_login(player.login_project_id)
    }
    token = uuid4()
    async with db.begin():
        item = await queries.lock_item_for_player(
            db, context.sealer, project_ids=list(projects), player_id=player.player_id, item_id=item_id
        )
        is_handed_over = rules.has_handed_over(item, expected, holder)
        if not is_handed_over:
            rules.check_may_move_to_game(item, expected, holder)
            account = await _receiving_account(db, player, item, user_game_id)
            await queries.move_item(
                db,
                project_id=item.project_id,
                item_id=item_id,
                from_states=[item.state],
                to_state=ItemState.CHECKING,
                token=token,
                held_by=holder,
                busy_for=timedelta(seconds=context.settings.ask_timeout_seconds + HOLD_MARGIN_SECONDS),
                user_game_id=account,
            )
    project = projects[item.project_id]
    if is_handed_over and item.state is ItemState.RECEIVED:
        return
    if is_handed_over:
        await _wait_for_outcome(context, project, item.delivery_id)
        return
    try:
        await _ask_game(context, project, account)
    except BaseException:
        # A refusal, a fault or a caller who went away: the item is free again at once.
        await _let_go(db, item, token)
        raise
    await _wait_for_outcome(context, project, await _hand_over(db, project, item, account, token))


async def _receiving_account(db: Session, player: PlayerIdentity, item: Item, user_game_id: str) -> str:
    linked = (
        await find_platform_account(db, player.login_project_id, player.player_id, item.platform)
        if item.flow is Flow.LINK
        else None
    )
    return rules.receiving_account(item, given=user_game_id, linked=linked)


async def _ask_game(context: Context, project: Project, account: str) -> None:
    """Ask the game whether it knows the player; raise unless it does."""
    is_deprecated = project.backpack_webhooks is BackpackWebhooks.DEPRECATED
    question = BackpackUserValidation(user_id=account) if is_deprecated else UserValidation(user_id=account)
    answer = await ask(context, project, question, purpose=Purpose.BACKPACK)
    if answer.kind is AnswerKind.ACCEPTED:
        return
    if answer.kind is AnswerKind.REFUSED:
        raise PLAYER_NOT_IN_GAME(user_game_id=account)
    raise GAME_WITHOUT_WEBHOOK() if answer.kind is AnswerKind.NO_ENDPOINT else GAME_AWAY()


async def _let_go(db: Session, item: Item, token: UUID) -> None:
    await queries.move_item(
        db,
        project_id=item.project_id,
        item_id=item.item_id,
        from_states=[ItemState.CHECKING],
        to_state=ItemState.CLAIMED,
        held_token=token,
    )


async def _hand_over(db: Session, project: Project, item: Item, account: str, token: UUID) -> int:
    """Write the event and mark the item as on its way, in one transaction; return the delivery's id."""
    async with db.begin():
        order_id = await queries.take_order_id(db, project_id=item.project_id, item_id=item.item_id, held_token=token)
        if order_id is None:
            # The hold has ended meanwhile and somebody else may have taken it.
            raise ITEM_IS_BEING_RECEIVED(item_id=item.item_id)
        delivery_id = await publish(
            db,
            project,
            _event(project, item, account, order_id),
            purpose=Purpose.BACKPACK,
            player_key=str(item.player_id),
            reference=f"{REFERENCE}:{item.item_id}",
        )
        await queries.move_item(
            db,
            project_id=item.project_id,
            item_id=item.item_id,
            from_states=[ItemState.CHECKING],
            to_state=ItemState.DELIVERING,
            held_token=token,
            delivery_id=delivery_id,
        )
    return delivery_id


def _event(project: Project, item: Item, account: str, order_id: int) -> BackpackItemPaid | BackpackItemMoved:
    is_currency = item.item_type is ItemType.VIRTUAL_CURRENCY
    quantity = item.quantity if is_currency else 1
    if project.backpack_webhooks is BackpackWebhooks.DEPRECATED:
        return BackpackItemMoved(
            item_id=item.item_id,
            item_sku=item.item_sku,
            is_currency=is_currency,
            quantity=quantity,
            user_game_id=account,
        )
    return BackpackItemPaid(
        item_id=item.item_id,
        order_id=order_id,
        item_sku=item.item_sku,
        is_currency=is_currency,
        quantity=quantity,
        user_game_id=account,
    )


async def _wait_for_outcome(context: Context, project: Project, delivery_id: int | None) -> None:
    """Return when the game has accepted the delivery; raise what else became of it."""
    assert delivery_id is not None, "what was handed over has a delivery"
    state = await settle(context, project, delivery_id, timeout_seconds=SETTLE_SECONDS)
    if state.is_accepted:
        return
    if state.is_pending or state.reason is FailureReason.EXHAUSTED:
        raise GAME_SILENT()
    if state.reason is FailureReason.REFUSED:
        raise GAME_REFUSED_ITEM(reason=state.message)
    raise GAME_WITHOUT_WEBHOOK()


async def record_outcome(db: Session, delivery: SettledDelivery) -> None:
    """Move the item as the game has answered, in the transaction that records the answer.

    Only a clear no gives the item back. Where the game stayed silent to the end nobody knows whether it granted the
    item: it stays held, and a replay of the delivery settles it.
    """
    assert delivery.reference is not None
    item_id = UUID(delivery.reference.removeprefix(f"{REFERENCE}:"))
    if delivery.state.is_accepted:
        await queries.move_item(
            db,
            project_id=delivery.project_id,
            item_id=item_id,
            from_states=[ItemState.CLAIMED, ItemState.CHECKING, ItemState.DELIVERING],
            to_state=ItemState.RECEIVED,
            delivery_id=delivery.delivery_id,
            settled_at=delivery.settled_at,
        )
    elif delivery.state.reason is not FailureReason.EXHAUSTED:
        await queries.move_item(
            db,
            project_id=delivery.project_id,
            item_id=item_id,
            from_states=[ItemState.DELIVERING],
            to_state=ItemState.CLAIMED,
        )


async def receive_to_wallet(context: Context, db: Session, player: PlayerIdentity, *, item_id: UUID) -> None:
    """Add a wallet currency to the player's balance; the item leaves in the same transaction."""
    projects = {
        each.project_id: each for each in await context.directory.list_projects_of_login(player.login_project_id)
    }
    async with db.begin():
        item = await queries.lock_item_for_player(
            db, context.sealer, project_ids=list(projects), player_id=player.player_id, item_id=item_id
        )
        rules.check_may_go_to_wallet(item)
        now = projects[item.project_id].clock.now()
        await grant(
            db,
            project_id=item.project_id,
            player_id=player.player_id,
            source=f"{REFERENCE}:{item.item_id}",
            content=[CurrencyGrant(item.item_sku, item.quantity)],
            now=now,
        )
        has_moved = await queries.move_item(
            db,
            project_id=item.project_id,
            item_id=item_id,
            from_states=[item.state],
            to_state=ItemState.RECEIVED,
            settled_at=now,
        )
        assert has_moved, "the row is locked: nobody else can have moved it"

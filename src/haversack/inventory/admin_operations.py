"""Operations with which a studio's server changes what players own. Of each call the first 50 operations count."""

from collections.abc import Sequence

from haversack.errors import (
    ITEM_NOT_FOUND,
    ITEM_NOT_OWNED,
    KEYS_TOO_FEW,
    LINKED_ELSEWHERE,
    LINKING_ATTEMPTS_USED_UP,
    LINKING_CODE_WRONG,
    LINKING_REFUSED,
    NON_CONSUMABLE_OWNED,
    OWNED_TOO_MANY,
    PURCHASED_ITEM_UNKNOWN,
    STORE,
    Refusal,
)
from haversack.http.area import Area, Repeat
from haversack.http.calls import AdminCall
from haversack.inventory import studio
from haversack.inventory.studio import Change, Wanted
from haversack.inventory.wire import (
    ChangedItemView,
    Gifts,
    GiveBody,
    ItemBody,
    ItemSetBody,
    LinkBody,
    OperationsView,
    OperationView,
    PurchaseOperationBody,
    Purchases,
    SetBody,
    Settings,
)
from haversack.login.actions import take_code_and_link

area = Area("inventory-admin", family=STORE, prefix="/api/v2/project/{project_id}/inventory")


def _change(body: GiveBody | SetBody) -> Change:
    note: dict[str, object] = {"comment": body.comment, "platform": body.platform}
    purchase_id = None
    if isinstance(body, PurchaseOperationBody):
        purchase_id = body.purchase.external_purchase_id
        note |= {"purchase": body.purchase.model_dump(mode="json"), "custom_parameters": body.custom_parameters}
    return Change(
        user_id=body.user.id,
        items=tuple(Wanted(item.sku, item.quantity) for item in body.items),
        note=note,
        purchase_id=purchase_id,
    )


def _view(body: Sequence[GiveBody | SetBody], units: Sequence[Sequence[int]]) -> OperationsView:
    return OperationsView(
        count=len(body), operations=[_operation(one, balances) for one, balances in zip(body, units, strict=True)]
    )


def _operation(one: GiveBody | SetBody, units: Sequence[int]) -> OperationView:
    items: Sequence[ItemBody | ItemSetBody] = one.items
    return OperationView(
        user_id=one.user.id,
        platform=one.platform,
        comment=one.comment,
        amount=one.purchase.amount if isinstance(one, PurchaseOperationBody) else "0",
        items=[
            ChangedItemView(sku=item.sku, quantity=item.quantity, balance=balance)
            for item, balance in zip(items, units, strict=True)
        ],
    )


@area.post("/reward", errors=(ITEM_NOT_FOUND, KEYS_TOO_FEW, OWNED_TOO_MANY), audit="items given to players")
async def add_item_to_inventory(call: AdminCall, body: Gifts) -> OperationsView:
    """Give items to players. What can be owned once and is owned stays as it is."""
    return _view(body, await studio.reward(call, [_change(one) for one in body]))


@area.post(
    "/purchase",
    errors=(PURCHASED_ITEM_UNKNOWN, NON_CONSUMABLE_OWNED, KEYS_TOO_FEW, OWNED_TOO_MANY),
    audit="purchases of players reported",
)
async def grant_item_by_purchase(call: AdminCall, body: Purchases) -> OperationsView:
    """Give players what they have bought elsewhere. A purchase that was reported before gives nothing again."""
    return _view(body, await studio.report_purchases(call, [_change(one) for one in body]))


@area.post("/revoke", errors=(ITEM_NOT_FOUND, ITEM_NOT_OWNED), audit="items taken from players")
async def revoke_item(call: AdminCall, body: Gifts) -> OperationsView:
    """Take items away from players."""
    return _view(body, await studio.revoke(call, [_change(one) for one in body]))


@area.post("/set", errors=(ITEM_NOT_FOUND, OWNED_TOO_MANY), audit="numbers of players' items set")
async def set_item_quantity(call: AdminCall, body: Settings) -> OperationsView:
    """Set how many of an item players have. Of what can be owned once it is one at most."""
    return _view(body, await studio.set_quantities(call, [_change(one) for one in body]))


@area.post(
    "/account/link",
    status=204,
    errors=(LINKING_REFUSED,),
    audit="platform account linked",
    # A code is used up by its first use, whatever becomes of the answer.
    repeat=Repeat.NEVER,
)
async def inventory_account_link(call: AdminCall, body: LinkBody) -> None:
    """Link an account of a platform to the player whose code its owner typed."""
    try:
        await take_code_and_link(
            call.db,
            call.project.login_project_id,
            code=body.linking_code,
            platform=body.platform,
            platform_user_id=body.user_id,
            # Attempts stay counted when the call fails.
            counting=call.context.aside.session(),
            now=call.now,
        )
    except Refusal as refusal:
        if refusal.kind is LINKING_ATTEMPTS_USED_UP:
            assert refusal.retry_after is not None
            raise STORE.too_many(seconds=refusal.retry_after, retry_after=refusal.retry_after) from None
        if refusal.kind in (LINKING_CODE_WRONG, LINKED_ELSEWHERE):
            raise LINKING_REFUSED(reason=refusal.message) from None
        raise

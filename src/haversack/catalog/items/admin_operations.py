"""The studio's operations on virtual items, virtual currencies, currency packages and bundles.

Four kinds share list, create, get and delete, and three of them share update: a loop declares these for each. What a
kind alone has is written out.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, Field

from haversack.catalog.items import actions
from haversack.catalog.items.actions import UPDATE_ERRORS, WRITE_ERRORS
from haversack.catalog.items.queries import count_items, get_item_by_sku, list_page
from haversack.catalog.items.related import load_related
from haversack.catalog.items.wire.bodies import (
    BundleBody,
    ItemBody,
    NewVirtualItemBody,
    PackageBody,
    VirtualCurrencyBody,
    VirtualItemBody,
)
from haversack.catalog.items.wire.views import (
    BundleView,
    PackageView,
    PageView,
    SkuView,
    VirtualCurrencyView,
    VirtualItemView,
)
from haversack.catalog.records import Group, ItemKind
from haversack.catalog.taxonomy.queries import list_groups
from haversack.catalog.taxonomy.rules import group_missing
from haversack.errors import GROUP_NOT_FOUND, ITEM_NOT_FOUND, STORE
from haversack.families import named
from haversack.http.area import Area
from haversack.http.calls import AdminCall
from haversack.http.wire import WireModel

items_area = Area("virtual-items-currency-admin", family=STORE, prefix="/api")
bundles_area = Area("bundles-admin", family=STORE, prefix="/api")

ROOT = "/v2/project/{project_id}/admin/items"
PAGE_MAX = 50
INT32_MAX = 2**31 - 1
# The name under which clients ask for everything, where no group has it.
ALL_GROUPS = "all"

# Unique offers, which a promo code reveals to players, hide nothing from a studio: the code is taken and not needed.
PromoCode = Annotated[str | None, Query(min_length=1, max_length=128)]


class ItemPageQuery(WireModel):
    """Which page of a list; at most 50 items at once."""

    limit: int = Field(default=PAGE_MAX, ge=1)
    offset: int = Field(default=0, ge=0, le=INT32_MAX)
    promo_code: str | None = Field(default=None, min_length=1, max_length=128)


ItemPage = Annotated[ItemPageQuery, Query()]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFamily:
    """A kind of item with what its operations are called and speak. `one` and `many` stand in their names."""

    area: Area
    kind: ItemKind
    path: str
    one: str
    many: str
    new_body: type[BaseModel]
    body: type[BaseModel]
    view: Any
    page_view: Any

    @property
    def words(self) -> str:
        """The kind in a sentence."""
        return self.one.replace("_", " ")


VIRTUAL_ITEMS = ItemFamily(
    area=items_area,
    kind=ItemKind.VIRTUAL_GOOD,
    path=f"{ROOT}/virtual_items",
    one="virtual_item",
    many="virtual_items_list",
    new_body=NewVirtualItemBody,
    body=VirtualItemBody,
    view=VirtualItemView,
    page_view=PageView[VirtualItemView],
)
CURRENCIES = ItemFamily(
    area=items_area,
    kind=ItemKind.VIRTUAL_CURRENCY,
    path=f"{ROOT}/virtual_currency",
    one="virtual_currency",
    many="virtual_currencies_list",
    new_body=VirtualCurrencyBody,
    body=VirtualCurrencyBody,
    view=VirtualCurrencyView,
    page_view=PageView[VirtualCurrencyView],
)
PACKAGES = ItemFamily(
    area=items_area,
    kind=ItemKind.VIRTUAL_CURRENCY_PACKAGE,
    path=f"{ROOT}/virtual_currency/package",
    one="virtual_currency_package",
    many="virtual_currency_packages_list",
    new_body=PackageBody,
    body=PackageBody,
    view=PackageView,
    page_view=PageView[PackageView],
)
BUNDLES = ItemFamily(
    area=bundles_area,
    kind=ItemKind.BUNDLE,
    path=f"{ROOT}/bundle",
    one="bundle",
    many="bundle_list",
    new_body=BundleBody,
    body=BundleBody,
    view=BundleView,
    page_view=PageView[BundleView],
)


# -- The family -----------------------------------------------------------------------------------------------------


def _declare_list(family: ItemFamily) -> None:
    async def list_operation(call: AdminCall, page: ItemPage) -> Any:
        return await show_page(call, family, page)

    name, sentence = f"admin_get_{family.many}", f"Get a page of the {family.words}s, in their order."
    family.area.get(family.path)(named(list_operation, name, sentence, **{"return": family.page_view}))


def _declare_create(family: ItemFamily) -> None:
    async def create_operation(call: AdminCall, body: ItemBody) -> SkuView:
        draft = body.draft(call.now)
        await actions.create_item(call, draft)
        return SkuView(sku=draft.sku)

    name, sentence = f"admin_create_{family.one}", f"Create a {family.words}."
    family.area.post(family.path, status=201, errors=WRITE_ERRORS, audit=f"{family.words} created")(
        named(create_operation, name, sentence, body=family.new_body)
    )


def _declare_get(family: ItemFamily) -> None:
    async def get_operation(call: AdminCall, sku: str, promo_code: PromoCode = None) -> Any:
        item = await get_item_by_sku(call.db, call.project_id, sku, (family.kind,))
        related = await load_related(call.db, call.project_id, [item])
        return family.view.of(item, related, call.now)

    name, sentence = f"admin_get_{family.one}", f"Get a {family.words}."
    family.area.get(f"{family.path}/sku/{{sku}}", errors=(ITEM_NOT_FOUND,))(
        named(get_operation, name, sentence, **{"return": family.view})
    )


def _declare_update(family: ItemFamily) -> None:
    async def update_operation(call: AdminCall, sku: str, body: ItemBody) -> None:
        await actions.update_item(call, body.draft(call.now), sku=sku)

    name = f"admin_update_{family.one}"
    sentence = f"Replace a {family.words}. What is left out falls back to its default."
    family.area.put(
        f"{family.path}/sku/{{sku}}",
        status=204,
        errors=(ITEM_NOT_FOUND, *UPDATE_ERRORS),
        audit=f"{family.words} replaced",
    )(named(update_operation, name, sentence, body=family.body))


def _declare_delete(family: ItemFamily) -> None:
    async def delete_operation(call: AdminCall, sku: str) -> None:
        await actions.delete_item(call, family.kind, sku=sku)

    name, sentence = f"admin_delete_{family.one}", f"Delete a {family.words}. Its SKU stays taken."
    family.area.delete(
        f"{family.path}/sku/{{sku}}", status=204, errors=(ITEM_NOT_FOUND,), audit=f"{family.words} deleted"
    )(named(delete_operation, name, sentence))


async def show_page(call: AdminCall, family: ItemFamily, page: ItemPageQuery, group: Group | None = None) -> Any:
    """The view of a page of a kind, or of those of it that are in a group."""
    limit = min(page.limit, PAGE_MAX)
    group_id = None if group is None else group.group_id
    found = await list_page(call.db, call.project_id, family.kind, limit=limit, offset=page.offset, group_id=group_id)
    total = await count_items(call.db, call.project_id, family.kind, group_id=group_id)
    related = await load_related(call.db, call.project_id, found)
    return family.page_view(
        items=[family.view.of(item, related, call.now) for item in found],
        has_more=page.offset + len(found) < total,
        total_items_count=total,
    )


for _family in (VIRTUAL_ITEMS, CURRENCIES, PACKAGES, BUNDLES):
    _declare_list(_family)
    _declare_create(_family)
    _declare_get(_family)
    _declare_delete(_family)
for _family in (VIRTUAL_ITEMS, CURRENCIES, BUNDLES):
    _declare_update(_family)


@items_area.put(
    f"{PACKAGES.path}/sku/{{sku}}",
    status=204,
    errors=(ITEM_NOT_FOUND, *UPDATE_ERRORS),
    audit="virtual currency package replaced",
)
async def admin_update_virtual_currency_package(
    call: AdminCall, sku: str, body: PackageBody, promo_code: PromoCode = None
) -> None:
    """Replace a virtual currency package. What is left out falls back to its default."""
    await actions.update_item(call, body.draft(call.now), sku=sku)


# -- By group -------------------------------------------------------------------------------------------------------


async def _group_of_name(call: AdminCall, external_id: str) -> Group | None:
    """The group with an external id; None stands for everything."""
    groups = await list_groups(call.db, call.project_id)
    found = next((group for group in groups if group.external_id == external_id), None)
    if found is None and external_id != ALL_GROUPS:
        raise group_missing(call.project_id, external_ids=[external_id])
    return found


async def _group_of_id(call: AdminCall, group_id: int) -> Group:
    groups = await list_groups(call.db, call.project_id)
    found = next((group for group in groups if group.group_id == group_id), None)
    if found is None:
        raise group_missing(call.project_id, group_ids=[group_id])
    return found


@items_area.get(f"{ROOT}/virtual_items/group/external_id/{{external_id}}", errors=(GROUP_NOT_FOUND,))
async def admin_get_virtual_items_list_by_group_external_id(
    call: AdminCall, external_id: str, page: ItemPage
) -> PageView[VirtualItemView]:
    """Get a page of the virtual items of a group, by its external id; `all`: of every virtual item."""
    shown = await show_page(call, VIRTUAL_ITEMS, page, await _group_of_name(call, external_id))
    assert isinstance(shown, PageView)
    return shown


@items_area.get(f"{ROOT}/virtual_items/group/id/{{group_id}}", errors=(GROUP_NOT_FOUND,))
async def admin_get_virtual_items_list_by_group_id(
    call: AdminCall, group_id: int, page: ItemPage
) -> PageView[VirtualItemView]:
    """Get a page of the virtual items of a group, by its number."""
    shown = await show_page(call, VIRTUAL_ITEMS, page, await _group_of_id(call, group_id))
    assert isinstance(shown, PageView)
    return shown


@bundles_area.get(f"{ROOT}/bundle/group/external_id/{{external_id}}", errors=(GROUP_NOT_FOUND,))
async def admin_get_bundle_list_in_group_by_external_id(
    call: AdminCall, external_id: str, page: ItemPage
) -> PageView[BundleView]:
    """Get a page of the bundles of a group, by its external id; `all`: of every bundle."""
    shown = await show_page(call, BUNDLES, page, await _group_of_name(call, external_id))
    assert isinstance(shown, PageView)
    return shown


@bundles_area.get(f"{ROOT}/bundle/group/id/{{group_id}}", errors=(GROUP_NOT_FOUND,))
async def admin_get_bundle_list_in_group_by_id(call: AdminCall, group_id: int, page: ItemPage) -> PageView[BundleView]:
    """Get a page of the bundles of a group, by its number."""
    shown = await show_page(call, BUNDLES, page, await _group_of_id(call, group_id))
    assert isinstance(shown, PageView)
    return shown


# -- Shown and hidden -----------------------------------------------------------------------------------------------


@bundles_area.put(
    f"{ROOT}/bundle/sku/{{sku}}/show", status=204, errors=(ITEM_NOT_FOUND,), audit="bundle shown in the store"
)
async def admin_show_bundle(call: AdminCall, sku: str) -> None:
    """Show a bundle in the store."""
    await actions.show_item(call, ItemKind.BUNDLE, sku, is_shown=True)


@bundles_area.put(
    f"{ROOT}/bundle/sku/{{sku}}/hide", status=204, errors=(ITEM_NOT_FOUND,), audit="bundle hidden in the store"
)
async def admin_hide_bundle(call: AdminCall, sku: str) -> None:
    """Hide a bundle in the store."""
    await actions.show_item(call, ItemKind.BUNDLE, sku, is_shown=False)

"""The client catalog: what games and shops show. A token is not needed; with one, a player's own limits count."""

from typing import Annotated

from fastapi import Path, Query
from starlette.responses import Response

from haversack.catalog.items.drm import DRMS
from haversack.catalog.read_model import wire
from haversack.catalog.read_model.answering import answer, answer_hot
from haversack.catalog.read_model.records import Shelf, Subject
from haversack.errors import (
    GROUP_NOT_FOUND,
    ITEM_ID_NOT_FOUND,
    ITEM_NOT_FOUND,
    ITEM_SKU_NOT_FOUND,
    PROJECT_NOT_FOUND,
    STORE,
)
from haversack.http.area import Area
from haversack.http.calls import GuestCall, PublicCall

virtual_items_area = Area("virtual-items-currency-catalog", family=STORE, prefix="/api")
bundles_area = Area("bundles-catalog", family=STORE, prefix="/api")
games_area = Area("game-keys-catalog", family=STORE, prefix="/api")
common_area = Area("common-catalog", family=STORE, prefix="/api")
AREAS = (virtual_items_area, bundles_area, games_area, common_area)

ITEMS = "/v2/project/{project_id}/items"

Page = Annotated[wire.ListQuery, Query()]
Read = Annotated[wire.ReadQuery, Query()]

INT32_MAX = 2**31 - 1
# Where keys can be redeemed; "" where only the platform's own program does it.
REDEEM_LINKS = {
    "steam": "https://store.steampowered.com/account/registerkey",
    "xbox": "https://redeem.microsoft.com",
    "gog": "https://www.gog.com/redeem",
    "epicgames": "https://store.epicgames.com/redeem",
}
LINKS = {
    "steam": "https://store.steampowered.com",
    "playstation": "https://store.playstation.com",
    "xbox": "https://www.xbox.com",
    "uplay": "https://store.ubisoft.com",
    "gog": "https://www.gog.com",
    "epicgames": "https://store.epicgames.com",
    "viveport": "https://www.viveport.com",
    "rockstar": "https://store.rockstargames.com",
}


@virtual_items_area.get(f"{ITEMS}/virtual_items", answer=wire.ClientVirtualItems, hot=answer_hot)
async def get_virtual_items(call: GuestCall, page: Page) -> Response:
    """List the virtual items on sale."""
    return await answer(call, page.ask_for_list(Shelf.VIRTUAL_ITEMS))


@virtual_items_area.get(f"{ITEMS}/virtual_items/all", answer=wire.ClientDirectory, hot=answer_hot)
async def get_all_virtual_items(call: GuestCall, read: Read) -> Response:
    """List all virtual items on sale in short form, without pages: for searching on the client."""
    return await answer(call, read.ask(Subject.PAGE, Shelf.DIRECTORY))


@virtual_items_area.get(
    f"{ITEMS}/virtual_items/group/{{external_id}}",
    errors=(GROUP_NOT_FOUND,),
    answer=wire.ClientVirtualItems,
    hot=answer_hot,
)
async def get_virtual_items_group(call: GuestCall, external_id: str, page: Page) -> Response:
    """List the virtual items of a group; the group `all` stands for every item."""
    return await answer(call, page.ask_for_list(Shelf.VIRTUAL_ITEMS, external_id))


@virtual_items_area.get(
    f"{ITEMS}/virtual_items/sku/{{item_sku}}", errors=(ITEM_NOT_FOUND,), answer=wire.ClientVirtualItem, hot=answer_hot
)
async def get_virtual_items_sku(call: GuestCall, item_sku: str, read: Read) -> Response:
    """Get a virtual item."""
    ask = read.ask(Subject.ITEM_BY_SKU, Shelf.VIRTUAL_ITEMS, sku=item_sku)
    return await answer(call, ask, unknown=ITEM_NOT_FOUND)


@virtual_items_area.get(f"{ITEMS}/virtual_currency", answer=wire.ClientCurrencies, hot=answer_hot)
async def get_virtual_currency(call: GuestCall, page: Page) -> Response:
    """List the virtual currencies on sale."""
    return await answer(call, page.ask_for_list(Shelf.CURRENCIES))


@virtual_items_area.get(
    f"{ITEMS}/virtual_currency/sku/{{virtual_currency_sku}}",
    errors=(ITEM_NOT_FOUND,),
    answer=wire.ClientCurrency,
    hot=answer_hot,
)
async def get_virtual_currency_sku(call: GuestCall, virtual_currency_sku: str, read: Read) -> Response:
    """Get a virtual currency."""
    ask = read.ask(Subject.ITEM_BY_SKU, Shelf.CURRENCIES, sku=virtual_currency_sku)
    return await answer(call, ask, unknown=ITEM_NOT_FOUND)


@virtual_items_area.get(f"{ITEMS}/virtual_currency/package", answer=wire.ClientPackages, hot=answer_hot)
async def get_virtual_currency_package(call: GuestCall, page: Page) -> Response:
    """List the packages of virtual currency on sale."""
    return await answer(call, page.ask_for_list(Shelf.PACKAGES))


@virtual_items_area.get(
    f"{ITEMS}/virtual_currency/package/sku/{{virtual_currency_package_sku}}",
    errors=(ITEM_NOT_FOUND,),
    answer=wire.ClientPackage,
    hot=answer_hot,
)
async def get_virtual_currency_package_sku(call: GuestCall, virtual_currency_package_sku: str, read: Read) -> Response:
    """Get a package of virtual currency."""
    ask = read.ask(Subject.ITEM_BY_SKU, Shelf.PACKAGES, sku=virtual_currency_package_sku)
    return await answer(call, ask, unknown=ITEM_NOT_FOUND)


@virtual_items_area.get(f"{ITEMS}/groups", answer=wire.ClientGroups, hot=answer_hot)
async def get_item_groups(call: GuestCall, read: Read) -> Response:
    """List the groups of items as a tree."""
    return await answer(call, read.ask(Subject.GROUPS))


@bundles_area.get(f"{ITEMS}/bundle", answer=wire.ClientBundles, hot=answer_hot)
async def get_bundle_list(call: GuestCall, page: Page) -> Response:
    """List the bundles on sale."""
    return await answer(call, page.ask_for_list(Shelf.BUNDLES))


@bundles_area.get(f"{ITEMS}/bundle/sku/{{sku}}", errors=(ITEM_SKU_NOT_FOUND,), answer=wire.ClientBundle, hot=answer_hot)
async def get_bundle(call: GuestCall, sku: str, read: Read) -> Response:
    """Get a bundle with its content."""
    ask = read.ask(Subject.ITEM_BY_SKU, Shelf.BUNDLES, sku=sku)
    return await answer(call, ask, unknown=ITEM_SKU_NOT_FOUND)


@bundles_area.get(
    f"{ITEMS}/bundle/group/{{external_id}}",
    errors=(GROUP_NOT_FOUND,),
    answer=wire.ClientBundles,
    hot=answer_hot,
)
async def get_bundle_list_in_group(call: GuestCall, external_id: str, page: Page) -> Response:
    """List the bundles of a group; the group `all` stands for every bundle."""
    return await answer(call, page.ask_for_list(Shelf.BUNDLES, external_id))


@games_area.get(f"{ITEMS}/game", answer=wire.ClientGames, hot=answer_hot)
async def get_games_list(call: GuestCall, page: Page) -> Response:
    """List the games on sale, each with its keys."""
    return await answer(call, page.ask_for_list(Shelf.GAMES))


@games_area.get(
    f"{ITEMS}/game/group/{{external_id}}",
    errors=(GROUP_NOT_FOUND,),
    answer=wire.ClientGames,
    hot=answer_hot,
)
async def get_games_group(call: GuestCall, external_id: str, page: Page) -> Response:
    """List the games of a group; the group `all` stands for every game."""
    return await answer(call, page.ask_for_list(Shelf.GAMES, external_id))


@games_area.get(f"{ITEMS}/game/sku/{{item_sku}}", errors=(ITEM_SKU_NOT_FOUND,), answer=wire.ClientGame, hot=answer_hot)
async def get_game_by_sku(call: GuestCall, item_sku: str, read: Read) -> Response:
    """Get a game with its keys."""
    ask = read.ask(Subject.ITEM_BY_SKU, Shelf.GAMES, sku=item_sku)
    return await answer(call, ask, unknown=ITEM_SKU_NOT_FOUND)


@games_area.get(
    f"{ITEMS}/game/key/sku/{{item_sku}}", errors=(ITEM_SKU_NOT_FOUND,), answer=wire.ClientKey, hot=answer_hot
)
async def get_game_key_by_sku(call: GuestCall, item_sku: str, read: Read) -> Response:
    """Get a game key."""
    ask = read.ask(Subject.ITEM_BY_SKU, Shelf.KEYS, sku=item_sku)
    return await answer(call, ask, unknown=ITEM_SKU_NOT_FOUND)


@games_area.get(
    f"{ITEMS}/game/key/group/{{external_id}}",
    errors=(GROUP_NOT_FOUND,),
    answer=wire.ClientKeys,
    hot=answer_hot,
)
async def get_game_keys_group(call: GuestCall, external_id: str, page: Page) -> Response:
    """List the game keys of a group; the group `all` stands for every key."""
    return await answer(call, page.ask_for_list(Shelf.KEYS, external_id))


@games_area.get(f"{ITEMS}/game/drm", errors=(PROJECT_NOT_FOUND,))
async def get_drm_list(call: PublicCall, project_id: Annotated[int, Path(ge=1, le=INT32_MAX)]) -> wire.ClientDrms:
    """List the platforms that game keys open."""
    if await call.context.directory.find_project(project_id) is None:
        raise PROJECT_NOT_FOUND(project_id=project_id)
    pictures = f"{call.context.settings.public_url}/static"
    return {
        "drm": [
            {
                "sku": drm.sku,
                "name": drm.name,
                "image": f"{pictures}/drm-{drm.sku}.svg",
                "link": LINKS.get(drm.sku),
                "redeem_instruction_link": REDEEM_LINKS.get(drm.sku, ""),
                "drm_id": drm.drm_id,
            }
            for drm in DRMS.values()
        ]
    }


@common_area.get(f"{ITEMS}", answer=wire.ClientSellables, hot=answer_hot)
async def get_sellable_items(call: GuestCall, page: Page) -> Response:
    """List everything on sale, of all kinds; games stand here by their keys."""
    return await answer(call, page.ask_for_list(Shelf.SELLABLE))


@common_area.get(f"{ITEMS}/id/{{item_id}}", errors=(ITEM_ID_NOT_FOUND,), answer=wire.ClientSellable, hot=answer_hot)
async def get_sellable_item_by_id(call: GuestCall, item_id: str, read: Read) -> Response:
    """Get an item of any kind by its id."""
    is_id = item_id.isascii() and item_id.isdigit() and len(item_id) <= 10 and int(item_id) <= INT32_MAX
    if not is_id:
        raise ITEM_ID_NOT_FOUND(item_id=item_id[:20])
    return await answer(call, read.ask(Subject.ITEM_BY_ID, item_id=int(item_id)))


@common_area.get(f"{ITEMS}/sku/{{sku}}", errors=(ITEM_SKU_NOT_FOUND,), answer=wire.ClientSellable, hot=answer_hot)
async def get_sellable_item_by_sku(call: GuestCall, sku: str, read: Read) -> Response:
    """Get an item of any kind by its SKU."""
    ask = read.ask(Subject.ITEM_BY_SKU, Shelf.SELLABLE, sku=sku)
    return await answer(call, ask, unknown=ITEM_SKU_NOT_FOUND)


@common_area.get(
    f"{ITEMS}/group/{{external_id}}",
    errors=(GROUP_NOT_FOUND,),
    answer=wire.ClientSellables,
    hot=answer_hot,
)
async def get_sellable_items_group(call: GuestCall, external_id: str, page: Page) -> Response:
    """List everything of a group; the group `all` stands for everything."""
    return await answer(call, page.ask_for_list(Shelf.SELLABLE, external_id))

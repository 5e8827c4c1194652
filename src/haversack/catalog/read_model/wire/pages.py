"""The lists of the client catalog: pages of items, groups, platforms."""

from typing_extensions import TypedDict  # Pydantic reads no other on Python 3.11

from haversack.catalog.read_model.wire.items import (
    ClientBundle,
    ClientCurrency,
    ClientGame,
    ClientKey,
    ClientPackage,
    ClientSellable,
    ClientVirtualItem,
)
from haversack.catalog.read_model.wire.parts import ClientGroupRef, ClientPromotion


class _Page(TypedDict):
    has_more: bool
    total_items_count: int


class ClientVirtualItems(_Page):
    """A page of virtual items."""

    items: list[ClientVirtualItem]


class ClientCurrencies(_Page):
    """A page of virtual currencies."""

    items: list[ClientCurrency]


class ClientPackages(_Page):
    """A page of packages."""

    items: list[ClientPackage]


class ClientBundles(_Page):
    """A page of bundles."""

    items: list[ClientBundle]


class ClientGames(_Page):
    """A page of games."""

    items: list[ClientGame]


class ClientKeys(_Page):
    """A page of game keys."""

    items: list[ClientKey]


class ClientSellables(_Page):
    """A page of items of all kinds."""

    items: list[ClientSellable]


class ClientShortItem(TypedDict):
    """A virtual item in short form."""

    sku: str
    name: str
    description: str
    # A list; the contract's type is a slip, kept in the document as what nobody sends.
    groups: list[ClientGroupRef] | ClientGroupRef
    promotions: list[ClientPromotion]


class ClientDirectory(TypedDict):
    """All virtual items in short form."""

    items: list[ClientShortItem]


class _Group(TypedDict):
    external_id: str
    name: str
    description: str
    image_url: str | None
    order: int
    level: int
    parent_external_id: str | None


class ClientDeepGroup(_Group):
    """A group two levels down, or deeper."""

    children: "list[ClientDeepGroup]"


class ClientSubgroup(_Group):
    """A group under one at the top."""

    children: list[ClientDeepGroup]


class ClientGroup(_Group):
    """A group at the top of the tree."""

    children: list[ClientSubgroup]


class ClientGroups(TypedDict):
    """The groups of a project as a tree."""

    groups: list[ClientGroup]


class ClientDrm(TypedDict):
    """A platform that game keys open."""

    sku: str
    name: str
    image: str
    link: str | None
    redeem_instruction_link: str
    drm_id: int


class ClientDrms(TypedDict):
    """The platforms that game keys open."""

    drm: list[ClientDrm]

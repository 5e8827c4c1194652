"""What clients send to the catalog, and what its answers hold.

The answers are encoded by `pieces.py`; their forms here are the document's. What only some items or requests have is
NotRequired.
"""

from haversack.catalog.read_model.wire.asking import ListQuery, PageQuery, ReadQuery
from haversack.catalog.read_model.wire.items import (
    ClientBundle,
    ClientBundleContent,
    ClientCurrency,
    ClientGame,
    ClientKey,
    ClientPackage,
    ClientPackageContent,
    ClientSellable,
    ClientUnitItem,
    ClientVirtualItem,
)
from haversack.catalog.read_model.wire.pages import (
    ClientBundles,
    ClientCurrencies,
    ClientDeepGroup,
    ClientDirectory,
    ClientDrm,
    ClientDrms,
    ClientGames,
    ClientGroup,
    ClientGroups,
    ClientKeys,
    ClientPackages,
    ClientSellables,
    ClientShortItem,
    ClientSubgroup,
    ClientVirtualItems,
)

__all__ = [
    "ClientBundle",
    "ClientBundleContent",
    "ClientBundles",
    "ClientCurrencies",
    "ClientCurrency",
    "ClientDeepGroup",
    "ClientDirectory",
    "ClientDrm",
    "ClientDrms",
    "ClientGame",
    "ClientGames",
    "ClientGroup",
    "ClientGroups",
    "ClientKey",
    "ClientKeys",
    "ClientPackage",
    "ClientPackageContent",
    "ClientPackages",
    "ClientSellable",
    "ClientSellables",
    "ClientShortItem",
    "ClientSubgroup",
    "ClientUnitItem",
    "ClientVirtualItem",
    "ClientVirtualItems",
    "ListQuery",
    "PageQuery",
    "ReadQuery",
]

"""Reads a catalog from JSON: our own export, or a file with an array for each kind, as bodies or answers have them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import ConfigDict, Field, ValidationError

from haversack.catalog.items.drafts import ItemDraft
from haversack.catalog.items.wire.bodies import BundleBody, NewVirtualItemBody, PackageBody, VirtualCurrencyBody
from haversack.catalog.items.wire.games import GameBody
from haversack.catalog.items.wire.parts import Sku, StrictBody
from haversack.catalog.records import Details, ItemKind
from haversack.catalog.taxonomy.records import GivenAttribute, NewGroup
from haversack.catalog.taxonomy.wire import (
    AttributeBody,
    GroupId,
    Int32,
    Link,
    OptionalTranslationsBody,
    RegionBody,
    TranslationsBody,
)
from haversack.catalog.transfer.elements import as_body
from haversack.catalog.transfer.large_json import read_json
from haversack.catalog.transfer.records import CatalogDraft, GroupDraft, RegionDraft, RowFault, wire_kind
from haversack.catalog.transfer.rules import SKU_EMPTY, SKU_EMPTY_CODE, refusal_of_fields
from haversack.errors import Fault
from haversack.http.wire import WireModel
from haversack.nesting import DEPTH_MAX, is_too_deep
from haversack.turns import Turns

FORMAT = "haversack-catalog"
VERSION = 1
FAULTS_SHOWN_MAX = 20
TOO_DEEP = f"is nested deeper than {DEPTH_MAX} levels"

# How files call the arrays of each kind. One that stands in none of these is named as a fault.
KIND_OF_ARRAY = {
    "virtual_items": ItemKind.VIRTUAL_GOOD,
    "virtual_item": ItemKind.VIRTUAL_GOOD,
    "virtual_goods": ItemKind.VIRTUAL_GOOD,
    "virtual_good": ItemKind.VIRTUAL_GOOD,
    "virtual_currency": ItemKind.VIRTUAL_CURRENCY,
    "virtual_currencies": ItemKind.VIRTUAL_CURRENCY,
    "virtual_currency_package": ItemKind.VIRTUAL_CURRENCY_PACKAGE,
    "virtual_currency_packages": ItemKind.VIRTUAL_CURRENCY_PACKAGE,
    "bundle": ItemKind.BUNDLE,
    "bundles": ItemKind.BUNDLE,
    "game": ItemKind.GAME,
    "games": ItemKind.GAME,
}
# What such files speak of, whether they have items of it or not. Games come only with those that have some.
PLATFORM_KINDS = frozenset(
    {
        ItemKind.VIRTUAL_GOOD,
        ItemKind.VIRTUAL_CURRENCY,
        ItemKind.VIRTUAL_CURRENCY_PACKAGE,
        ItemKind.BUNDLE,
    }
)
GAME_KINDS = frozenset({ItemKind.GAME, ItemKind.GAME_KEY})


class CatalogUnreadable(Exception):
    """A file that holds no catalog; the sentence is fit for its sender."""


# -- Bodies that no call of the wire has ----------------------------------------------------------------------------


class _FilePackage(PackageBody):
    """A package. Files that were made of answers may have no description."""

    description: OptionalTranslationsBody = None  # type: ignore[assignment]


class _FileBundle(BundleBody):
    """A bundle. Files that were made of answers may have no description."""

    description: OptionalTranslationsBody = None  # type: ignore[assignment]


class _FileGood(NewVirtualItemBody):
    """A physical good or a value point: no call makes one, and our own files have all that an item can have."""

    is_clan: bool = False

    def draft_of(self, kind: ItemKind, now: datetime) -> ItemDraft:
        """The item as it is given."""
        plain = self.draft(now)
        return ItemDraft(
            kind=kind,
            description=plain.description,
            prices=plain.prices,
            details=Details(is_clan=self.is_clan),
            **self.shared(now),
        )


class _Region(RegionBody):
    id: Annotated[int, Field(ge=1)]


class _Place(StrictBody):
    sku: Sku
    order: Int32


class _Group(StrictBody):
    external_id: GroupId
    parent_external_id: GroupId | None = None
    name: TranslationsBody
    description: OptionalTranslationsBody = None
    image_url: Link | None = None
    is_enabled: bool = True
    order: Int32 = 1
    places: list[_Place] = Field(default_factory=list)


class _Format(WireModel):
    """What the file says of itself."""

    model_config = ConfigDict(extra="ignore")

    format: Literal["haversack-catalog"] = "haversack-catalog"
    version: Annotated[int, Field(ge=1, le=VERSION)] = VERSION


BODIES: dict[ItemKind, Any] = {
    ItemKind.VIRTUAL_GOOD: NewVirtualItemBody,
    ItemKind.VIRTUAL_CURRENCY: VirtualCurrencyBody,
    ItemKind.VIRTUAL_CURRENCY_PACKAGE: _FilePackage,
    ItemKind.BUNDLE: _FileBundle,
    ItemKind.GAME: GameBody,
    ItemKind.PHYSICAL_GOOD: _FileGood,
    ItemKind.VALUE_POINT: _FileGood,
}

KINDS: dict[str, ItemKind] = {kind.value: kind for kind in BODIES}

# -- The file -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Rows:
    """What was read so far."""

    items: list[ItemDraft] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    kinds: set[ItemKind] = field(default_factory=set)
    total: int = 0

    def refuse(self, name: object, what: str | None, message: str) -> None:
        """Note a row that cannot be read."""
        self.refuse_fields(name, what, [Fault(what or "file", message)])

    def refuse_fields(self, name: object, what: str | None, faults: Sequence[Fault]) -> None:
        """Note a row some of whose fields cannot be read."""
        refusal = refusal_of_fields(faults)
        self.faults.append(RowFault(_shown(name), what, int(refusal.kind.code), refusal.message))


async def read_catalog(raw: bytes, *, now: datetime) -> CatalogDraft:
    """The catalog that a file holds, with what cannot be read of it; CatalogUnreadable if it holds none.

    Other requests of the process go on in between. Schedules of limits begin at their next reset after `now`.
    """
    file = await _parsed(raw)
    rows = _Rows()
    is_own = "items" in file
    regions = _read_regions(file, rows) if is_own else None
    attributes = _read_attributes(file, rows)
    groups = _read_groups(file, rows)
    turns = Turns()
    for kind, element in _elements(file, rows):
        _read_item(kind, element, rows, now)
        await turns.offer()
    if not rows.total:
        raise CatalogUnreadable(
            f"The file names no items. It must be a JSON object with arrays such as {', '.join(KIND_OF_ARRAY)}."
        )
    if is_own:
        kinds = frozenset(ItemKind)
    else:
        kinds = PLATFORM_KINDS | (GAME_KINDS if ItemKind.GAME in rows.kinds else frozenset())
    return CatalogDraft(
        regions=regions,
        attributes=attributes,
        groups=groups,
        items=rows.items,
        faults=tuple(rows.faults),
        named=frozenset(rows.named),
        kinds=kinds,
        total=rows.total,
    )


async def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        file = await read_json(raw)
    except orjson.JSONDecodeError as error:
        raise CatalogUnreadable(f"The file is not valid JSON: {error}.") from None
    if not isinstance(file, dict):
        raise CatalogUnreadable("The file must hold one JSON object with an array for each kind of items.")
    if "format" in file or "version" in file:
        try:
            _Format.model_validate(file)
        except ValidationError:
            raise CatalogUnreadable(
                f"The file is no {FORMAT} of a version up to {VERSION}, which is what this server reads."
            ) from None
    return file


def _list(file: Mapping[str, Any], name: str, rows: _Rows) -> list[Any]:
    found = file.get(name)
    if found is None:
        return []
    if not isinstance(found, list):
        rows.total += 1
        rows.refuse(name, None, f"{name} must be an array")
        return []
    rows.total += len(found)
    return found


def _elements(file: Mapping[str, Any], rows: _Rows) -> Iterator[tuple[ItemKind | None, Any]]:
    """Every element with its kind, in the order of the file."""
    for name in file:
        if name in ("format", "version", "regions", "attributes", "groups"):
            continue
        if name == "items":
            for element in _list(file, name, rows):
                yield _kind_of(element), element
        elif name in KIND_OF_ARRAY:
            for element in _list(file, name, rows):
                is_package = isinstance(element, dict) and element.get("bundle_type") == "virtual_currency_package"
                yield (ItemKind.VIRTUAL_CURRENCY_PACKAGE if is_package else KIND_OF_ARRAY[name]), element
        else:
            rows.total += 1
            known = ", ".join(KIND_OF_ARRAY)
            rows.refuse(name, None, f"The file has {_shown(name)}, which is none of {known}")


def _kind_of(element: Any) -> ItemKind | None:
    kind = element.get("kind") if isinstance(element, dict) else None
    return KINDS.get(kind) if isinstance(kind, str) else None


def _read_item(kind: ItemKind | None, element: Any, rows: _Rows, now: datetime) -> None:
    sku = element.get("sku") if isinstance(element, dict) else None
    if isinstance(sku, str):
        rows.named.add(sku)
    if kind is None:
        known = ", ".join(KINDS)
        rows.refuse("" if is_too_deep(sku) else sku, None, f"The kind of an item must be one of {known}")
        return
    rows.kinds.add(kind)
    what = wire_kind(kind)
    if not isinstance(element, dict):
        rows.refuse("", what, "An item must be an object")
    elif sku is None or sku == "":
        rows.faults.append(RowFault("", what, SKU_EMPTY_CODE, SKU_EMPTY))
    elif is_too_deep(element):
        rows.refuse(sku if isinstance(sku, str) else "", what, f"The item {TOO_DEEP}")
    elif _has_nul(element):
        rows.refuse(sku, what, "The item has the NUL character in it, which cannot be stored")
    else:
        try:
            body = BODIES[kind].model_validate(as_body(kind, element))
        except ValidationError as error:
            rows.refuse_fields(sku, what, _faults(error))
        else:
            rows.items.append(body.draft_of(kind, now) if isinstance(body, _FileGood) else body.draft(now))


def _faults(error: ValidationError) -> list[Fault]:
    found: dict[str, str] = {}
    for each in error.errors(include_input=False, include_url=False, include_context=False):
        where = ".".join(str(step) for step in each["loc"]) or "item"
        found.setdefault(where, str(each["msg"]).removeprefix("Value error, "))
    return [Fault(where, message) for where, message in list(found.items())[:FAULTS_SHOWN_MAX]]


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any("\x00" in key or _has_nul(each) for key, each in value.items())
    return isinstance(value, list) and any(map(_has_nul, value))


def _shown(name: object) -> str:
    """A name as results show it: the file's, whatever stood there, shortened."""
    text = name if isinstance(name, str) else "" if name is None else str(name)
    return text.replace("\x00", "\ufffd")[:255]


# -- What items stand on --------------------------------------------------------------------------------------------


def _read_regions(file: Mapping[str, Any], rows: _Rows) -> tuple[RegionDraft, ...]:
    found: dict[int, RegionDraft] = {}
    for element in _list(file, "regions", rows):
        body = _read(_Region, element, "region", rows)
        if body is None:
            continue
        if body.id in found:
            rows.refuse(str(body.id), "region", f"The file has a region {body.id} already")
            continue
        found[body.id] = RegionDraft(body.id, body.name, tuple(body.countries))
    return tuple(found.values())


def _read_attributes(file: Mapping[str, Any], rows: _Rows) -> tuple[GivenAttribute, ...]:
    found: dict[str, GivenAttribute] = {}
    for element in _list(file, "attributes", rows):
        body = _read(AttributeBody, element, "attribute", rows)
        if body is not None and body.external_id in found:
            rows.refuse(body.external_id, "attribute", f"The file has an attribute {body.external_id} already")
        elif body is not None:
            found[body.external_id] = body.record()
    return tuple(found.values())


def _read_groups(file: Mapping[str, Any], rows: _Rows) -> tuple[GroupDraft, ...]:
    found: dict[str, GroupDraft] = {}
    for element in _list(file, "groups", rows):
        body = _read(_Group, element, "group", rows)
        if body is None:
            continue
        if body.external_id in found:
            rows.refuse(body.external_id, "group", f"The file has a group {body.external_id} already")
            continue
        group = NewGroup(
            external_id=body.external_id,
            name=body.name,
            description=body.description,
            image_url=body.image_url,
            is_enabled=body.is_enabled,
            sort_order=body.order,
        )
        places = {place.sku: place.order for place in body.places}
        found[body.external_id] = GroupDraft(group, body.parent_external_id, places)
    return tuple(found.values())


def _read(model: Any, element: Any, what: str, rows: _Rows) -> Any:
    """An element as its model, or None and a fault."""
    name = element.get("external_id", element.get("id")) if isinstance(element, dict) else None
    if is_too_deep(element):
        rows.refuse(name if isinstance(name, str | int) else "", what, f"It {TOO_DEEP}")
        return None
    if _has_nul(element):
        rows.refuse(name, what, "It has the NUL character in it, which cannot be stored")
        return None
    try:
        return model.model_validate(element)
    except ValidationError as error:
        rows.refuse_fields(name, what, _faults(error))
        return None

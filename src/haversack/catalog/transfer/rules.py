"""Decisions about many items at once: which fit together, in which order they are written, what stays the same."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from haversack.catalog.items import rules as item_rules
from haversack.catalog.items.drafts import ItemDraft, Known
from haversack.catalog.records import Item, ItemKind, ItemLimits
from haversack.catalog.taxonomy.rules import fold_attributes, group_missing
from haversack.catalog.transfer.records import GroupDraft, RowFault, TakenSku, wire_kind
from haversack.errors import (
    DEFAULT_PRICE_MISSING,
    ITEM_EXISTS,
    REGION_NOT_FOUND,
    STORE,
    Fault,
    Refusal,
)

# Stands in the results of imports alone, and is never an answer.
SKU_EMPTY_CODE = 1817
SKU_EMPTY = f"[0401-{SKU_EMPTY_CODE}]: The SKU is empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the project has: its groups by external id, its regions, and who has the SKUs that the rows want."""

    project_id: int
    groups: Collection[str]
    region_ids: Collection[int]
    taken: Mapping[str, TakenSku]


def refusal_of_fields(faults: Sequence[Fault]) -> Refusal:
    """The refusal of faulty fields, all in one sentence."""
    summary = "; ".join(f"{fault.property}: {fault.message}" for fault in faults)
    return STORE.invalid(faults=faults, summary=summary)


def row_fault(draft: ItemDraft, refusal: Refusal) -> RowFault:
    """The fault of a row that was refused."""
    assert isinstance(refusal.kind.code, int)
    named = ""
    if refusal.extended and (groups := refusal.extended.get("external_id_list")):
        assert isinstance(groups, list)
        named = f": {', '.join(groups)}"
    elif refusal.faults and refusal.kind is not STORE.invalid:
        named = f": {'; '.join(f'{fault.property}: {fault.message}' for fault in refusal.faults)}"
    return RowFault(draft.sku, wire_kind(draft.kind), refusal.kind.code, refusal.message + named)


def first_of_each_sku(drafts: Iterable[ItemDraft]) -> tuple[list[ItemDraft], list[RowFault]]:
    """The drafts whose SKUs, and those of their keys, no earlier draft has, and the faults of the others."""
    kept, faults = [], []
    seen: set[str] = set()
    for draft in drafts:
        own = skus_of(draft)
        repeated = next((sku for sku in own if sku in seen), None)
        if repeated is None:
            seen.update(own)
            kept.append(draft)
        else:
            message = f"[0401-{ITEM_EXISTS.code}]: The file has the SKU {repeated} already"
            faults.append(RowFault(draft.sku, wire_kind(draft.kind), int(ITEM_EXISTS.code), message))
    return kept, faults


def skus_of(draft: ItemDraft) -> list[str]:
    """The SKUs that a draft takes: its own and those of its keys."""
    return [draft.sku, *(key.sku for key in draft.keys)]


def skus_in(drafts: Sequence[ItemDraft]) -> list[str]:
    """Every SKU that drafts take or name, once."""
    own = [sku for draft in drafts for sku in skus_of(draft)]
    named = item_rules.named_skus([part for draft in drafts for part in (draft, *draft.keys)])
    return list(dict.fromkeys([*own, *named]))


def find_refusal(draft: ItemDraft, known: Known, around: Surroundings) -> Refusal | None:
    """Why a draft cannot be written into the project; None if it can."""
    faults = item_rules.draft_faults(draft, known)
    if faults:
        return refusal_of_fields(faults)
    without_default = item_rules.default_price_faults(draft)
    if without_default:
        return DEFAULT_PRICE_MISSING(sku=", ".join(sku for sku, _ in without_default))
    drafts = (draft, *draft.keys)
    missing = [group for one in drafts for group in one.groups if group not in around.groups]
    if missing:
        return group_missing(around.project_id, external_ids=missing)
    region_faults = item_rules.region_faults(draft, around.region_ids)
    if region_faults:
        return REGION_NOT_FOUND(faults=region_faults)
    try:
        for one in drafts:
            fold_attributes(one.attributes)
    except Refusal as refusal:
        return refusal
    return _sku_refusal(draft, around)


def _sku_refusal(draft: ItemDraft, around: Surroundings) -> Refusal | None:
    own = around.taken.get(draft.sku)
    for one in (draft, *draft.keys):
        taken = around.taken.get(one.sku)
        if taken is None:
            continue
        is_of_game = one is draft or (own is not None and taken.parent_item_id == own.item_id)
        if taken.is_deleted or taken.kind is not one.kind or not is_of_game:
            return ITEM_EXISTS(project_id=around.project_id, sku=one.sku)
    return None


def named_by(drafts: Iterable[ItemDraft]) -> dict[str, list[ItemDraft]]:
    """Which drafts name a SKU, in a price or in their content."""
    found: dict[str, list[ItemDraft]] = {}
    for draft in drafts:
        for sku in item_rules.named_skus((draft, *draft.keys)):
            found.setdefault(sku, []).append(draft)
    return found


def write_order(
    drafts: Sequence[ItemDraft], contents: Mapping[str, Sequence[str]]
) -> tuple[list[ItemDraft], list[RowFault]]:
    """The drafts so that each stands behind its content, currencies first, and the faults of bundles in a circle.

    contents: the SKUs inside the bundles that the project has already; a draft's own content takes the place of its
    item's.
    """
    by_sku = {sku: draft for draft in drafts for sku in skus_of(draft)}
    # What contains nothing takes no part, and is the greater part of a catalog.
    inside = {**contents, **{draft.sku: [entry.sku for entry in draft.content] for draft in drafts if draft.content}}
    cyclic = _in_circles(inside)
    faults = [_circle_fault(draft) for draft in drafts if draft.sku in cyclic]
    ordered: dict[str, ItemDraft] = {}
    for draft in sorted(drafts, key=lambda one: one.kind is not ItemKind.VIRTUAL_CURRENCY):
        if not draft.content:
            ordered.setdefault(draft.sku, draft)
        elif draft.sku not in cyclic:
            for sku in _content_first(draft.sku, inside, ordered):
                held = by_sku.get(sku)
                if held is not None and held.sku not in cyclic:
                    ordered.setdefault(held.sku, held)
    return list(ordered.values()), faults


def _circle_fault(draft: ItemDraft) -> RowFault:
    fault = Fault("content", f"contains {draft.sku} itself, through the bundles in it")
    return row_fault(draft, refusal_of_fields([fault]))


def _content_first(sku: str, inside: Mapping[str, Sequence[str]], done: Collection[str]) -> Iterator[str]:
    """A SKU behind all that it contains, however deep. Nothing is in a circle that is not left out by the caller."""
    seen: set[str] = set()
    path: list[tuple[str, Iterator[str]]] = [(sku, iter(inside.get(sku, ())))]
    seen.add(sku)
    while path:
        holder, left = path[-1]
        following = next((each for each in left if each not in seen and each not in done), None)
        if following is None:
            yield holder
            path.pop()
        else:
            seen.add(following)
            path.append((following, iter(inside.get(following, ()))))


def _in_circles(inside: Mapping[str, Sequence[str]]) -> Collection[str]:
    """The SKUs that contain themselves, or stand between two circles: what leads into a circle, and out of one."""
    graph = {sku: {each for each in content if each in inside} for sku, content in inside.items()}
    return _without_ends(_turned(_without_ends(graph))).keys()


def _without_ends(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """What is left when all that leads nowhere is taken away, again and again."""
    leading = _turned(graph)
    left = {node: set(targets) for node, targets in graph.items()}
    ends = [node for node, targets in left.items() if not targets]
    while ends:
        end = ends.pop()
        del left[end]
        for node in leading[end]:
            left[node].discard(end)
            if not left[node]:
                ends.append(node)
    return left


def _turned(graph: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    turned: dict[str, set[str]] = {node: set() for node in graph}
    for node, targets in graph.items():
        for target in targets:
            turned[target].add(node)
    return turned


def is_same(existing: Item, new: Item) -> bool:
    """Whether writing an item would change nothing of it."""
    return replace(
        new,
        item_id=existing.item_id,
        parent_item_id=existing.parent_item_id,
        group_ids=tuple(sorted(new.group_ids)),
        limits=_same_start(existing, new),
        created_at=existing.created_at,
        updated_at=existing.updated_at,
    ) == replace(existing, group_ids=tuple(sorted(existing.group_ids)))


def _same_start(existing: Item, new: Item) -> ItemLimits | None:
    """The new limits. A schedule that stays the same goes on, and does not begin again."""
    old, limits = existing.limits, new.limits
    if old is None or limits is None or old.schedule is None or limits.schedule is None:
        return limits
    return replace(limits, schedule=replace(limits.schedule, started_at=old.schedule.started_at))


# -- Groups ---------------------------------------------------------------------------------------------------------


def group_faults(groups: Sequence[GroupDraft], parents: Mapping[str, str | None]) -> list[RowFault]:
    """The groups of a file whose parent there is not, or is refused, or that would be below themselves.

    parents: the parents of the groups that the project has, by external id.
    """
    faults: dict[str, RowFault] = {}
    while True:
        left = [draft for draft in groups if draft.group.external_id not in faults]
        above = {**parents, **{draft.group.external_id: draft.parent_external_id for draft in left}}
        found = {draft.group.external_id: fault for draft in left if (fault := _parent_fault(draft, above))}
        if not found:
            return list(faults.values())
        faults |= found


def _parent_fault(draft: GroupDraft, above: Mapping[str, str | None]) -> RowFault | None:
    external_id, parent = draft.group.external_id, draft.parent_external_id
    if parent is not None and parent not in above:
        return _group_fault(external_id, f"there is no group {parent}")
    return _group_fault(external_id, "stands below itself") if _is_below_itself(external_id, above) else None


def _is_below_itself(external_id: str, above: Mapping[str, str | None]) -> bool:
    seen, current = {external_id}, above.get(external_id)
    while current is not None and current not in seen:
        seen.add(current)
        current = above.get(current)
    return current == external_id


def _group_fault(external_id: str, message: str) -> RowFault:
    refusal = refusal_of_fields([Fault("parent_external_id", message)])
    return RowFault(external_id, "group", int(refusal.kind.code), refusal.message)

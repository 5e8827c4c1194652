"""Turns elements of files that were made of answers into bodies: what follows from the rest is dropped."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from haversack.catalog.records import ItemKind

# What answers have and bodies have not: it follows from the rest.
DERIVED = frozenset(
    {
        "item_id",
        "project_id",
        "kind",
        "type",
        "bundle_type",
        "unit_type",
        "regional_prices",
        "items_count",
        "promotions",
        "vp_rewards",
        "can_be_bought",
        "can_delete",
        "created_at",
        "updated_at",
        "total_content_price",
        "is_sales_exist",
        "has_keys",
        "keys",
        "drm_name",
        "drm_image",
        "drm_id",
    }
)
_AMOUNT = re.compile(r"\d{1,15}(\.\d{1,15})?")
_BRANCHES = {
    "hourly": (),
    "daily": ("time",),
    "weekly": ("day_of_week", "time"),
    "monthly": ("day_of_month", "time"),
}


def as_body(kind: ItemKind, element: Mapping[str, Any]) -> dict[str, Any]:
    """An element without what follows from the rest, its limits, prices and content in the form of bodies."""
    body = {name: value for name, value in element.items() if name not in DERIVED and value is not None}
    if body.get("is_deleted") is False:
        del body["is_deleted"]
    if "virtual_prices" in body:
        body.setdefault("vc_prices", body["virtual_prices"])
        del body["virtual_prices"]
    for name, form in (("prices", _price), ("vc_prices", _virtual_price), ("content", _content), ("regions", _region)):
        if isinstance(body.get(name), list):
            body[name] = [form(each) for each in body[name]]
    for name in ("description", "long_description"):
        if body.get(name) == {}:
            del body[name]
    if "limits" in body:
        body["limits"] = _limits(body["limits"])
    options = body.get("inventory_options")
    if isinstance(options, dict) and options.get("consumable") is True:
        body["inventory_options"] = {**options, "consumable": {}}
    if kind is ItemKind.GAME:
        # A game has no prices of its own, and what its answers say of them follows from its keys.
        body.pop("is_free", None)
        if isinstance(body.get("unit_items"), list):
            keys = body["unit_items"]
            body["unit_items"] = [_key(key) if isinstance(key, dict) else key for key in keys]
    elif kind is ItemKind.VIRTUAL_CURRENCY_PACKAGE:
        body.setdefault("prices", [])
    return body


def _key(element: Mapping[str, Any]) -> dict[str, Any]:
    body = as_body(ItemKind.GAME_KEY, element)
    body.setdefault("prices", [])
    # It is the game's.
    body.pop("long_description", None)
    return body


def _price(price: Any) -> Any:
    """Amounts as text are exact; some answers have them so."""
    if not isinstance(price, dict):
        return price
    amount = price.get("amount")
    if isinstance(amount, str) and _AMOUNT.fullmatch(amount):
        return {**price, "amount": Decimal(amount)}
    return price


def _virtual_price(price: Any) -> Any:
    if not isinstance(price, dict):
        return price
    kept = {name: price[name] for name in ("sku", "amount", "is_default", "is_enabled") if name in price}
    if not price.keys() - kept.keys() <= {"item_id", "name", "type", "description", "image_url"}:
        return price
    amount = kept.get("amount")
    if isinstance(amount, str) and amount.isascii() and amount.isdigit() and len(amount) <= 10:
        kept["amount"] = int(amount)
    return kept


def _content(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    shown = {"item_id", "name", "type", "bundle_type", "description", "image_url"}
    return {name: value for name, value in entry.items() if name not in shown}


def _region(region: Any) -> Any:
    return {"id": region["id"]} if isinstance(region, dict) and region.keys() == {"id", "name"} else region


def _limits(limits: Any) -> Any:
    """The limits of a body, from those of a body or of an answer."""
    if not isinstance(limits, dict):
        return limits
    body = {name: value for name, value in limits.items() if value is not None}
    per_user, per_item, schedule = body.get("per_user"), body.get("per_item"), body.get("recurrent_schedule")
    if isinstance(per_user, dict):
        answered = ("available", "recurrent_schedule")
        body["per_user"] = {name: value for name, value in per_user.items() if name not in answered}
    if isinstance(per_item, dict) and "total" in per_item:
        body["per_item"] = per_item["total"]
    if isinstance(schedule, dict) and isinstance(branch := schedule.get("per_user"), dict):
        body["recurrent_schedule"] = {"per_user": _branch(branch)}
    return body


def _branch(branch: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schedule without the dates and the empty members that only answers have."""
    answered = {"reset_next_date", "displayable_reset_start_date", "displayable_reset_next_date"}
    if not branch.keys() & answered:
        return branch
    kept = _BRANCHES.get(str(branch.get("interval_type")), ("day_of_week", "day_of_month", "time"))
    return {name: branch[name] for name in ("interval_type", *kept) if name in branch}

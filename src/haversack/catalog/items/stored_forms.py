"""The forms in which the parts of an item stand in the table's JSON columns."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from haversack.catalog.records import (
    AttributeLink,
    ContentEntry,
    Details,
    Expiration,
    ItemLimits,
    Media,
    Period,
    PreOrder,
    Price,
    Schedule,
    VirtualItemType,
    VirtualPrice,
)

Json = dict[str, Any]


def prices_form(prices: Sequence[Price]) -> list[Json]:
    """Amounts are kept as text, to the last digit."""
    return [
        {
            "amount": f"{price.amount:f}",
            "currency": price.currency,
            "country_iso": price.country_iso,
            "is_default": price.is_default,
            "is_enabled": price.is_enabled,
        }
        for price in prices
    ]


def prices_of(stored: Sequence[Mapping[str, Any]]) -> tuple[Price, ...]:
    """Prices in real money."""
    return tuple(
        Price(
            Decimal(form["amount"]),
            form["currency"],
            form["country_iso"],
            form["is_default"],
            form["is_enabled"],
        )
        for form in stored
    )


def virtual_prices_form(prices: Sequence[VirtualPrice]) -> list[Json]:
    """Prices in virtual currencies."""
    return [
        {
            "sku": price.sku,
            "amount": price.amount,
            "is_default": price.is_default,
            "is_enabled": price.is_enabled,
        }
        for price in prices
    ]


def virtual_prices_of(stored: Sequence[Mapping[str, Any]]) -> tuple[VirtualPrice, ...]:
    """Prices in virtual currencies."""
    return tuple(VirtualPrice(form["sku"], form["amount"], form["is_default"], form["is_enabled"]) for form in stored)


def media_form(media: Sequence[Media]) -> list[Json]:
    """Pictures and videos."""
    return [{"type": one.type, "url": one.url} for one in media]


def media_of(stored: Sequence[Mapping[str, Any]]) -> tuple[Media, ...]:
    """Pictures and videos."""
    return tuple(Media(form["type"], form["url"]) for form in stored)


def attributes_form(links: Sequence[AttributeLink]) -> list[Json]:
    """Attributes, in the order in which they were given."""
    return [{"attribute_id": link.attribute_id, "value_ids": list(link.value_ids)} for link in links]


def attributes_of(stored: Sequence[Mapping[str, Any]]) -> tuple[AttributeLink, ...]:
    """Attributes, in the order in which they were given."""
    return tuple(AttributeLink(form["attribute_id"], tuple(form["value_ids"])) for form in stored)


def periods_form(periods: Sequence[Period]) -> list[Json]:
    """Windows of sale, with the offsets as they were given."""
    return [{"date_from": period.date_from, "date_until": period.date_until} for period in periods]


def periods_of(stored: Sequence[Mapping[str, Any]]) -> tuple[Period, ...]:
    """Windows of sale."""
    return tuple(Period(form["date_from"], form["date_until"]) for form in stored)


def limits_form(limits: ItemLimits | None) -> Json | None:
    """Limits; the stock itself stands in a table of its own."""
    if limits is None:
        return None
    per_user, schedule = limits.per_user, limits.schedule
    return {
        "per_item": limits.per_item,
        "per_user": None
        if per_user is None
        else {"total": per_user, "limit_exceeded_visibility": limits.limit_exceeded_visibility},
        "schedule": None if schedule is None else schedule_form(schedule),
    }


def limits_of(stored: Mapping[str, Any] | None) -> ItemLimits | None:
    """Limits, or None."""
    if stored is None:
        return None
    per_user, schedule = stored["per_user"], stored["schedule"]
    return ItemLimits(
        per_item=stored["per_item"],
        per_user=None if per_user is None else per_user["total"],
        limit_exceeded_visibility="show" if per_user is None else per_user["limit_exceeded_visibility"],
        schedule=None if schedule is None else schedule_of(schedule),
    )


def schedule_form(schedule: Schedule) -> Json:
    """When limits begin anew."""
    return {
        "interval_type": schedule.interval_type,
        "time": schedule.time,
        "day_of_week": schedule.day_of_week,
        "day_of_month": schedule.day_of_month,
        "started_at": None if schedule.started_at is None else schedule.started_at.isoformat(),
        **({} if schedule.interval_hours == 1 else {"interval_hours": schedule.interval_hours}),
    }


def schedule_of(stored: Mapping[str, Any]) -> Schedule:
    """When limits begin anew."""
    return Schedule(
        stored["interval_type"],
        stored["time"],
        stored["day_of_week"],
        stored["day_of_month"],
        _moment(stored["started_at"]),
        stored.get("interval_hours", 1),
    )


def pre_order_form(pre_order: PreOrder | None) -> Json | None:
    """A pre-order, its date with the offset as it was given."""
    if pre_order is None:
        return None
    release = pre_order.release_date
    return {
        "release_date": None if release is None else release.isoformat(),
        "is_enabled": pre_order.is_enabled,
        "description": pre_order.description,
    }


def pre_order_of(stored: Mapping[str, Any] | None) -> PreOrder | None:
    """A pre-order, or None."""
    if stored is None:
        return None
    return PreOrder(_moment(stored["release_date"]), stored["is_enabled"], stored["description"])


def details_form(details: Details) -> Json:
    """What only this kind has; what is empty is left out."""
    form: Json = {}
    if details.is_consumable:
        form["is_consumable"] = True
    if details.usages_count is not None:
        form["usages_count"] = details.usages_count
    if details.expiration is not None:
        form["expiration"] = {"type": details.expiration.type, "value": details.expiration.value}
    if details.virtual_item_type is not None:
        form["virtual_item_type"] = details.virtual_item_type.value
    if details.is_paid_randomized_reward:
        form["is_paid_randomized_reward"] = True
    if details.content:
        form["content"] = [{"item_id": entry.item_id, "quantity": entry.quantity} for entry in details.content]
    if details.drm_sku is not None:
        form["drm_sku"] = details.drm_sku
    if details.is_hard:
        form["is_hard"] = True
    if details.is_clan:
        form["is_clan"] = True
    return form


def details_of(stored: Mapping[str, Any]) -> Details:
    """What only this kind has."""
    if not stored:
        return _NOTHING
    expiration, given = stored.get("expiration"), stored.get("virtual_item_type")
    return Details(
        is_consumable=stored.get("is_consumable", False),
        usages_count=stored.get("usages_count"),
        expiration=None if expiration is None else Expiration(expiration["type"], expiration["value"]),
        virtual_item_type=None if given is None else VirtualItemType(given),
        is_paid_randomized_reward=stored.get("is_paid_randomized_reward", False),
        content=tuple(ContentEntry(form["item_id"], form["quantity"]) for form in stored.get("content", ())),
        drm_sku=stored.get("drm_sku"),
        is_hard=stored.get("is_hard", False),
        is_clan=stored.get("is_clan", False),
    )


_NOTHING = Details()


def _moment(stored: str | None) -> datetime | None:
    return None if stored is None else datetime.fromisoformat(stored)

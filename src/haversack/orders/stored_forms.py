"""The forms in which what is frozen of a line stands in the table's JSON columns."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from haversack.catalog.items.stored_forms import pre_order_form, pre_order_of
from haversack.catalog.read_model.records import PointReward
from haversack.catalog.records import Expiration, ItemKind, VirtualItemType
from haversack.orders.records import ChainStep, LineDiscount, OrderLine, OrderPromotion, Reserved
from haversack.promotions.records import PromotionKind, TakenUse

Json = dict[str, Any]


def details_form(line: OrderLine) -> Json:
    """Texts, and what the item gives; what is empty is left out."""
    form: Json = {"name": dict(line.name)}
    if line.description:
        form["description"] = dict(line.description)
    if line.image_url is not None:
        form["image_url"] = line.image_url
    if line.custom_attributes is not None:
        form["custom_attributes"] = line.custom_attributes
    if line.is_pre_order:
        form["is_pre_order"] = True
    if line.promotion_ids:
        form["promotion_ids"] = list(line.promotion_ids)
    if line.discounts:
        form["discounts"] = [[each.promotion_id, str(each.percent), each.is_of_cart] for each in line.discounts]
    if line.virtual_item_type is not None:
        form["virtual_item_type"] = line.virtual_item_type.value
    if line.usages_count is not None:
        form["usages_count"] = line.usages_count
    if line.expiration is not None:
        form["expiration"] = {"type": line.expiration.type, "value": line.expiration.value}
    if line.pre_order is not None:
        form["pre_order"] = pre_order_form(line.pre_order)
    if line.value_points:
        form["value_points"] = [list(each) for each in line.value_points]
    return form


def promotions_form(promotions: Sequence[OrderPromotion]) -> list[Json]:
    """The promotions of an order."""
    return [
        {
            "promotion_id": each.promotion_id,
            "kind": each.kind.value,
            "name": each.name,
            "external_id": each.external_id,
            "code": each.code,
            "use": None if each.use is None else each.use.form(),
        }
        for each in promotions
    ]


def promotions_of(stored: Sequence[Mapping[str, Any]]) -> tuple[OrderPromotion, ...]:
    """The promotions of an order."""
    return tuple(
        OrderPromotion(
            promotion_id=form["promotion_id"],
            kind=PromotionKind(form["kind"]),
            name=form["name"],
            external_id=form["external_id"],
            code=form["code"],
            use=None if form["use"] is None else TakenUse.of(form["use"]),
        )
        for form in stored
    )


def chain_step_form(step: ChainStep | None) -> Json | None:
    """The step of a chain that an order is of, or None."""
    if step is None:
        return None
    return {
        "chain_id": step.chain_id,
        "step_id": step.step_id,
        "window_start": step.window_start.astimezone(UTC).isoformat(),
    }


def chain_step_of(stored: Mapping[str, Any] | None) -> ChainStep | None:
    """The step of a chain that an order is of, or None."""
    if stored is None:
        return None
    return ChainStep(
        chain_id=stored["chain_id"],
        step_id=stored["step_id"],
        window_start=datetime.fromisoformat(stored["window_start"]),
    )


def codes_form(reserved: Reserved) -> Json | None:
    """Reserved codes by their keys, or None."""
    form: dict[str, list[int]] = {}
    for item_id, code_id in reserved.codes:
        form.setdefault(str(item_id), []).append(code_id)
    return form or None


def _codes_of(stored: Mapping[str, list[int]] | None) -> tuple[tuple[int, int], ...]:
    return tuple((int(item_id), code_id) for item_id, codes in (stored or {}).items() for code_id in codes)


def line_of(row: Mapping[str, Any]) -> OrderLine:
    """The line of a row with the columns of `order_lines`."""
    details = row["details"]
    expiration = details.get("expiration")
    item_type = details.get("virtual_item_type")
    return OrderLine(
        line_no=row["line_no"],
        parent_line_no=row["parent_line_no"],
        item_id=row["item_id"],
        sku=row["sku"],
        kind=ItemKind(row["kind"]),
        quantity=row["quantity"],
        amount=row["amount"],
        amount_without_discount=row["amount_without_discount"],
        is_free=row["is_free"],
        is_bonus=row["is_bonus"],
        name=details["name"],
        description=details.get("description"),
        image_url=details.get("image_url"),
        custom_attributes=details.get("custom_attributes"),
        is_pre_order=details.get("is_pre_order", False),
        promotion_ids=tuple(details.get("promotion_ids", ())),
        discounts=tuple(
            LineDiscount(promotion_id=promotion_id, percent=Decimal(percent), is_of_cart=is_of_cart)
            for promotion_id, percent, is_of_cart in details.get("discounts", ())
        ),
        reserved=Reserved(
            stock=row["stock_reserved"],
            uses=row["uses_reserved"],
            uses_window=row["uses_window"],
            pre_orders=row["pre_orders_reserved"],
            codes=_codes_of(row["codes_reserved"]),
        ),
        region_id=row["region_id"],
        virtual_item_type=None if item_type is None else VirtualItemType(item_type),
        usages_count=details.get("usages_count"),
        expiration=None if expiration is None else Expiration(expiration["type"], expiration["value"]),
        pre_order=pre_order_of(details.get("pre_order")),
        value_points=tuple(PointReward(*each) for each in details.get("value_points", ())),
        codes_owed=row["codes_owed"],
    )

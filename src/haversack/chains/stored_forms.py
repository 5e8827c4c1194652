"""The forms in which the parts of a chain stand in the tables' JSON columns."""

from collections.abc import Mapping, Sequence
from typing import Any, assert_never

from haversack.catalog.items.stored_forms import Json
from haversack.chains.records import ByDay, ByOrder, ByPoints, ChainKind, DailyType, Opening, Reward
from haversack.personalization.stored_forms import attribute_conditions_form, attribute_conditions_of


def rewards_form(rewards: Sequence[Reward]) -> list[Json]:
    """What a step gives."""
    return [
        {
            "item_id": reward.item_id,
            "quantity": reward.quantity,
            "conditions": attribute_conditions_form(reward.conditions),
        }
        for reward in rewards
    ]


def rewards_of(stored: Sequence[Mapping[str, Any]]) -> tuple[Reward, ...]:
    """What a step gives."""
    return tuple(
        Reward(form["item_id"], form["quantity"], attribute_conditions_of(form["conditions"])) for form in stored
    )


def opening_form(opening: Opening) -> Json:
    """How steps open; kind and value point have columns of their own."""
    match opening:
        case ByPoints():
            return {
                "is_clan": opening.is_clan,
                "clan_type": opening.clan_type,
                "popup_header": opening.popup_header,
                "popup_instruction": opening.popup_instruction,
                "popup_image_url": opening.popup_image_url,
            }
        case ByDay():
            return {"type": opening.type.value, "is_recurrent": opening.is_recurrent}
        case ByOrder():
            return {"is_reset_on_completion": opening.is_reset_on_completion}
        case _:
            assert_never(opening)


def opening_of(kind: str, stored: Mapping[str, Any], value_point_id: int | None) -> Opening:
    """How steps open."""
    match ChainKind(kind):
        case ChainKind.REWARD:
            assert value_point_id is not None
            return ByPoints(value_point_id=value_point_id, **stored)
        case ChainKind.DAILY:
            return ByDay(type=DailyType(stored["type"]), is_recurrent=stored["is_recurrent"])
        case ChainKind.OFFER:
            return ByOrder(is_reset_on_completion=stored["is_reset_on_completion"])

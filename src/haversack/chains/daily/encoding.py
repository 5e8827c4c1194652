"""Daily chains encoded for players."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from haversack.catalog.selling import Shop
from haversack.chains.daily.records import Day
from haversack.chains.daily.rules import days_of
from haversack.chains.daily.wire import shown_dates
from haversack.chains.pieces import find_piece, joined
from haversack.chains.records import Chain, Standing, Step, StepState, by_day
from haversack.chains.wire import ClientItemView
from haversack.text import reading

_STATES = {state: b',"status":"%b"' % state.value.encode() for state in StepState}


def encode_chain(chain: Chain, standing: Standing, shop: Shop, now: datetime, language: str) -> bytes:
    """A chain for a player who stands so."""
    piece = find_piece(
        shop.catalog,
        chain,
        (language, ""),
        lambda chain: _chain_value(chain, language),
        lambda step: _step_value(step, shop, language),
    )
    starts, ends = shown_dates(chain, now)
    rest = b'"date_start":%b,"date_end":%b}' % (orjson.dumps(starts), orjson.dumps(ends))
    return joined(piece, _ends(days_of(chain, standing.progress, now)), rest)


def _ends(days: Sequence[Day]) -> list[bytes]:
    return [_STATES[day.state] + b',"unlocked_date":%d}' % day.unlocked_at.timestamp() for day in days]


def _chain_value(chain: Chain, language: str) -> Mapping[str, Any]:
    return {
        "id": chain.chain_id,
        "name": reading(chain.name, language),
        "description": reading(chain.description, language) if chain.description else None,
        "order": chain.sort_order,
        "type": by_day(chain).type.value,
    }


def _step_value(step: Step, shop: Shop, language: str) -> Mapping[str, Any]:
    items = ClientItemView.of_rewards(step.rewards, shop, language)
    return {"step_number": step.number, "items": [item.model_dump() for item in items]}

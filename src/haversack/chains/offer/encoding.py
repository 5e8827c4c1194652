"""Offer chains encoded for players."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from haversack.catalog.selling import Shop
from haversack.chains.offer.rules import next_reset, next_step
from haversack.chains.offer.wire import StepPriceView, ValuePointRewardView
from haversack.chains.pieces import find_piece, joined
from haversack.chains.records import Chain, Standing, Step
from haversack.chains.wire import ClientItemView, milliseconds
from haversack.clock import wire_time
from haversack.pricing.lines import unit_prices
from haversack.text import reading


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom chains are shown: what the shop sells in a country, in a language."""

    shop: Shop
    country: str | None
    language: str
    now: datetime


def encode_chain(chain: Chain, standing: Standing, reader: Reader) -> bytes:
    """A chain for a player who stands so."""
    catalog = reader.shop.catalog
    piece = find_piece(
        catalog,
        chain,
        (reader.language, catalog.country_key((reader.country or "").upper())),
        lambda chain: _chain_value(chain, reader.language),
        lambda step: _step_value(step, reader),
    )
    done = standing.progress.claimed
    ends = [b',"is_claimed":true}' if step.step_id in done else b',"is_claimed":false}' for step in chain.steps]
    following = next_step(chain, standing.progress)
    number = b"null" if following is None else b"%d" % following.number
    rest = b'"recurrent_schedule":%b,"next_step_number":%b}' % (_schedule(chain, reader.now), number)
    return joined(piece, ends, rest)


def _schedule(chain: Chain, now: datetime) -> bytes:
    schedule = chain.schedule
    if schedule is None:
        return b"null"
    following = next_reset(schedule, chain.starts_at, now)
    interval = schedule.interval_type.encode()
    return b'{"interval_type":"%b","reset_next_date":%d}' % (interval, milliseconds(following))


def _chain_value(chain: Chain, language: str) -> Mapping[str, Any]:
    return {
        "id": chain.chain_id,
        "name": reading(chain.name, language),
        "description": reading(chain.description, language) if chain.description else None,
        "order": chain.sort_order,
        "date_start": wire_time(chain.starts_at),
        "date_end": None if chain.ends_at is None else wire_time(chain.ends_at),
    }


def _step_value(step: Step, reader: Reader) -> Mapping[str, Any]:
    price = _price_of(step, reader)
    items = ClientItemView.of_rewards(step.rewards, reader.shop, reader.language)
    return {
        "step_number": step.number,
        "is_free": step.is_free,
        "step_price": None if price is None else price.model_dump(),
        "items": [item.model_dump() for item in items],
        "step_vp_rewards": [point.model_dump() for point in _value_points_of(step, reader)],
        # This server has no loyalty points.
        "step_loyalty_rewards": [],
    }


def _price_of(step: Step, reader: Reader) -> StepPriceView | None:
    """What a paid step costs in the reader's country."""
    reward = step.rewards[0]
    item = reader.shop.find_by_id(reward.item_id)
    if step.is_free or item is None:
        return None
    (price,) = unit_prices(reader.shop, [item], country=reader.country, currency=None)
    return None if price is None else StepPriceView.of(*price, reward.quantity)


def _value_points_of(step: Step, reader: Reader) -> list[ValuePointRewardView]:
    """What comes with the payment of a step; a free step is not paid."""
    reward = step.rewards[0]
    item = None if step.is_free else reader.shop.find_by_id(reward.item_id)
    return [
        ValuePointRewardView(
            item_id=point.item_id,
            sku=point.sku,
            amount=each.amount * reward.quantity,
            name=reading(point.name, reader.language),
            image_url=point.image_url,
            is_clan=point.details.is_clan,
        )
        for each in (() if item is None else item.value_points)
        if (point := reader.shop.find_by_id(each.value_point_id)) is not None
    ]

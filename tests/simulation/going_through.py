"""Steps that go through something until there is no more of it: a window of a limit, an offer chain."""

from datetime import timedelta

from make.orders import Buyer
from make.payments import SUCCESS
from simulation import books as rules
from simulation.life import Life
from simulation.paying import pay
from simulation.shop import Good


async def use_up_a_window(life: Life, buyer: Buyer) -> None:
    """A player has as many of a limited item as a window allows, is refused another, and has one after the reset."""
    goods = [good for good in life.shop.goods.values() if good.schedule is not None and good.sold_for != "money"]
    if not goods:
        return
    good = life.chance.choice(goods)
    assert good.schedule is not None and good.per_user is not None
    edge = rules.next_reset(good.schedule, life.now)
    await life.jump_to(max(life.now, edge - timedelta(minutes=life.chance.randint(1, 59))))
    for _ in range(good.per_user + 1):
        may = rules.may_have(life.books, life.shop, buyer.player_id, good.sku, 1, life.now)
        await _have_one(life, buyer, good)
        if not may:
            break
    await life.jump_to(edge + timedelta(minutes=life.chance.choice([0, 0, life.chance.randint(1, 59)])))
    await _have_one(life, buyer, good)


async def _have_one(life: Life, buyer: Buyer, good: Good) -> None:
    if good.sold_for == "nothing":
        await life.take(buyer, good, 1)
        return
    if life.purse(buyer).gold < good.price:
        await life.fund(buyer)
    await life.buy_for_gold(buyer, good)


async def go_through_offer(life: Life, buyer: Buyer) -> None:
    """A player goes through the offer chain to its end, and a step further."""
    chain = life.shop.offer
    if chain is None:
        return
    for _ in range(len(chain.gives) + 1):
        _, number = rules.open_step(life.purse(buyer), chain, life.now)
        order = await life.take_offer(buyer, chain)
        if order is not None and life.is_payable(order):
            await pay(life, order, SUCCESS)
        if number is None:
            break

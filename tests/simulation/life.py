"""One simulated year of one studio: chance decides what happens, and every answer is held against the books."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import httpx

from haversack.database.engine import DatabaseAway
from haversack.orders.actions import expire_due_orders
from haversack.payments.sweeping import sweep_payments
from make.clocks import clock_path
from make.orders import Buyer
from make.payments import leave_alone
from simulation import books as rules
from simulation.books import Books, Bought, Purse
from simulation.breaking import PLAN, Plan
from simulation.shop import GOLD, Good, Offer, Shop
from simulation.talking import Talk

Effect = Callable[[Books], None]
# The lane of deliveries that a broken jump has leased is free again, as if the lease's seconds had passed.
END_LEASES = "UPDATE webhook_lanes SET leased_until = now() WHERE project_id = $1 AND leased_until IS NOT NULL"


@dataclass(slots=True)
class Life:
    """What is going on in a studio. `now`: where its clock stands."""

    shop: Shop
    talk: Talk
    chance: Random
    seed: int
    now: datetime
    books: Books
    keys: int = 0
    misses: dict[Any, int] = field(default_factory=dict)

    @classmethod
    def begin(cls, shop: Shop, talk: Talk, chance: Random, seed: int, now: datetime) -> "Life":
        """The first moment of it."""
        return cls(shop, talk, chance, seed, now, Books.of(shop))

    @property
    def api(self) -> str:
        """Where the store's calls are."""
        return f"/api/v2/project/{self.shop.studio.project_id}"

    def purse(self, buyer: Buyer) -> Purse:
        """What the books say of a player."""
        return self.books.purses[buyer.player_id]

    # -- Requests whose effect is known -----------------------------------------------------------------------------

    async def act(
        self,
        buyer: Buyer,
        method: str,
        path: str,
        effect: Effect,
        *,
        may: bool | None,
        headers: dict[str, str] | None = None,
        finds_out: bool = True,
        **options: Any,
    ) -> httpx.Response | None:
        """Send a change and note its effect. may: whether it must be done or refused, None where either is right.

        One that is broken off is sent again with its Idempotency-Key, or left; then the shop must have done all of it
        or nothing.
        """
        self.keys += 1
        key = {"Idempotency-Key": f"{self.seed}-{self.keys}"}
        headers = {**(buyer.headers if headers is None and "auth" not in options else headers or {}), **key}
        reply = await self.talk.send(method, path, plan=self.talk.any_plan(), headers=headers, **options)
        if reply is None:
            if self.chance.random() < 0.3:
                if finds_out:
                    await self._find_out(buyer, effect)
                return None
            reply = await self.talk.send(method, path, headers=headers, **options)
            assert reply is not None, "nothing breaks a repeat off"
        elif self.chance.random() < 0.05:
            again = await self.talk.send(method, path, headers=headers, **options)
            assert again is not None and (again.status_code, again.content) == (reply.status_code, reply.content)
        self._judge(reply, may, f"{method} {path}")
        if reply.is_success:
            effect(self.books)
        return reply

    def _judge(self, reply: httpx.Response, may: bool | None, what: str) -> None:
        if may is not None:
            assert reply.is_success == may, (
                f"{what} at {self.now}: {'must be done' if may else 'must be refused'}: "
                f"{reply.status_code} {reply.text[:600]}"
            )

    async def _find_out(self, buyer: Buyer, effect: Effect) -> None:
        found = await self.read_purse(buyer)
        if found == self.expected(self.purse(buyer)):
            return
        candidate = deepcopy(self.books)
        effect(candidate)
        expected = self.expected(candidate.purses[buyer.player_id])
        assert found == expected, f"half of a change: {found}, with it {expected}"
        self.books = candidate

    async def read_purse(self, buyer: Buyer) -> tuple[int, dict[str, int], dict[str, int]]:
        """What the shop says a player has: gold, items, and what waits in the Backpack."""
        balances = await self.get(f"{self.api}/user/virtual_currency_balance", buyer)
        gold = next((each["amount"] for each in balances["items"] if each["sku"] == GOLD), 0)
        entries = (await self.get(f"{self.api}/user/inventory/items", buyer))["items"]
        assert len({each["sku"] for each in entries}) == len(entries)
        waiting = await self.get("/web/backpack/items", buyer)
        return (
            gold,
            {each["sku"]: each["quantity"] for each in entries},
            {each["item_id"]: each["quantity"] for each in waiting},
        )

    def expected(self, purse: Purse) -> tuple[int, dict[str, int], dict[str, int]]:
        """The same by the books."""
        owned = {sku: count for sku, count in purse.owned.items() if count}
        owned |= {sku: 1 for sku, until in purse.until.items() if until > self.now}
        return purse.gold, owned, dict(purse.backpack)

    async def get(self, path: str, buyer: Buyer, **options: Any) -> Any:
        """A player's read."""
        reply = await self.talk.send("GET", path, headers=buyer.headers, **options)
        assert reply is not None and reply.status_code == 200, f"{path}: {reply and reply.text}"
        return reply.json()

    # -- The wallet, and what costs no money ------------------------------------------------------------------------

    async def fund(self, buyer: Buyer) -> None:
        """The studio gives a player gold."""
        amount = self.chance.randint(5, 60)

        def effect(books: Books) -> None:
            books.purses[buyer.player_id].gold += amount

        body = [{"user": {"id": str(buyer.player_id)}, "items": [{"sku": GOLD, "quantity": amount}]}]
        auth = self.shop.studio.basic
        await self.act(buyer, "POST", f"{self.api}/inventory/reward", effect, may=True, json=body, auth=auth)

    async def buy_for_gold(self, buyer: Buyer, good: Good | None = None) -> None:
        """A purchase for gold."""
        good = good or self.chance.choice(self.shop.sold_for("gold"))
        may = self.purse(buyer).gold >= good.price and rules.may_have(
            self.books, self.shop, buyer.player_id, good.sku, 1, self.now
        )

        def effect(books: Books) -> None:
            books.purses[buyer.player_id].gold -= good.price
            self._at_once(books, buyer, good.sku, 1)

        path = f"{self.api}/payment/item/{good.sku}/virtual/{GOLD}"
        await self.act(buyer, "POST", path, effect, may=may)

    async def take_free(self, buyer: Buyer) -> None:
        """An order of something free."""
        if goods := self.shop.sold_for("nothing"):
            await self.take(buyer, self.chance.choice(goods), self.chance.randint(1, 2))

    async def take(self, buyer: Buyer, good: Good, count: int) -> None:
        """An order of so many of something free."""
        may = rules.may_have(self.books, self.shop, buyer.player_id, good.sku, count, self.now)

        def effect(books: Books) -> None:
            self._at_once(books, buyer, good.sku, count)

        path = f"{self.api}/free/item/{good.sku}"
        await self.act(buyer, "POST", path, effect, may=may, json={"quantity": count})

    def _at_once(self, books: Books, buyer: Buyer, sku: str, count: int) -> None:
        order = Bought(0, buyer.player_id, "gold", [(sku, count)], self.now)
        rules.hold(books, self.shop, order, self.now)
        rules.fulfil(books, self.shop, order, self.now)

    async def consume(self, buyer: Buyer) -> None:
        """A player uses something up."""
        purse = self.purse(buyer)
        stacked = [good.sku for good in self.shop.goods.values() if good.way == "stack" and not good.gives]
        sku, count = self.chance.choice(stacked), self.chance.randint(1, 2)

        def effect(books: Books) -> None:
            books.purses[buyer.player_id].owned[sku] -= count

        path = f"{self.api}/user/inventory/item/consume"
        await self.act(buyer, "POST", path, effect, may=purse.owned[sku] >= count, json={"sku": sku, "quantity": count})

    async def fill_backpack(self, buyer: Buyer) -> None:
        """A distributor puts gold into a Backpack."""
        studio, amount = self.shop.studio, self.chance.randint(1, 30)
        body = [{"item_sku": GOLD, "item_name": "Gold", "image_url": "https://pictures.example.com/gold.png"}]
        body[0] |= {"price": 4.99, "currency": "USD", "quantity": amount}  # type: ignore[dict-item]
        path = f"{studio.backpack}/user/{buyer.player_id}/virtual_currency"
        headers = await studio.host_headers(self.talk.client)
        reply = await self.act(
            buyer, "POST", path, lambda _: None, may=True, finds_out=False, json=body, headers=headers
        )
        waiting = self.purse(buyer).backpack
        if reply is not None:
            waiting[reply.json()[0]["item_id"]] = amount
            return
        _, _, found = await self.read_purse(buyer)
        waiting |= {item_id: quantity for item_id, quantity in found.items() if item_id not in waiting}

    async def empty_backpack(self, buyer: Buyer) -> None:
        """A player receives gold out of the Backpack."""
        waiting = self.purse(buyer).backpack
        if not waiting:
            return
        item_id = self.chance.choice(list(waiting))

        def effect(books: Books) -> None:
            purse = books.purses[buyer.player_id]
            purse.gold += purse.backpack.pop(item_id)

        path = "/web/backpack/virtual_currency/receive"
        reply = await self.act(buyer, "POST", path, effect, may=True, json={"item_id": item_id})
        if reply is not None and self.chance.random() < 0.2:
            await self.act(buyer, "POST", path, lambda _: None, may=False, json={"item_id": item_id})

    async def redeem(self, buyer: Buyer) -> None:
        """A player redeems a coupon."""
        found = [coded for coded in self.shop.coded if coded.kind == "coupon"]
        if not found:
            return
        coded, code = found[0], self.chance.choice(found[0].codes)
        may = rules.is_usable(self.books, coded, buyer.player_id, code, self.now)
        if not may and not self.may_miss(buyer):
            return

        def effect(books: Books) -> None:
            rules.use_code(books, buyer.player_id, coded.external_id, code)
            rules.receive(books.purses[buyer.player_id], self.shop, coded.gives, self.now)

        path = f"{self.api}/coupon/redeem"
        await self.act(buyer, "POST", path, effect, may=may, json={"coupon_code": code})

    def may_miss(self, buyer: Buyer) -> bool:
        """Whether a player has tried few codes that open nothing: those who try many are kept out."""
        self.misses[buyer.player_id] = self.misses.get(buyer.player_id, 0) + 1
        return self.misses[buyer.player_id] <= 6

    # -- Chains -----------------------------------------------------------------------------------------------------

    async def claim_day(self, buyer: Buyer) -> None:
        """A player claims a day, mostly the one that is open."""
        chain = self.shop.daily
        if chain is None:
            return
        is_open = rules.open_day(self.purse(buyer), chain, self.now)
        number = is_open or 1
        if self.chance.random() < 0.25:
            number = self.chance.randint(1, len(chain.gives))

        def effect(books: Books) -> None:
            purse = books.purses[buyer.player_id]
            rules.claim_day(purse, chain, number, self.now)
            rules.receive(purse, self.shop, chain.gives[number - 1], self.now)

        path = f"{self.api}/user/daily_chain/{chain.chain_id}/step/number/{number}/claim"
        await self.act(buyer, "POST", path, effect, may=number == is_open)

    async def take_step(self, buyer: Buyer) -> None:
        """A player takes a step of the reward chain."""
        road = self.shop.road
        if road is None:
            return
        step_id, _, given = self.chance.choice(road.steps)
        may = rules.may_take(self.purse(buyer), road, step_id, self.now)

        def effect(books: Books) -> None:
            purse = books.purses[buyer.player_id]
            purse.taken.add((rules.window_of(road, self.now), step_id))
            rules.receive(purse, self.shop, given, self.now)

        path = f"{self.api}/user/reward_chain/{road.chain_id}/step/{step_id}/claim"
        await self.act(buyer, "POST", path, effect, may=may)

    async def go_on_with_offer(self, buyer: Buyer) -> None:
        """A player takes the open step of the offer chain, or another one."""
        if (chain := self.shop.offer) is not None:
            number = self.chance.randint(1, len(chain.gives)) if self.chance.random() < 0.2 else None
            await self.take_offer(buyer, chain, number)

    async def take_offer(self, buyer: Buyer, chain: Offer, number: int | None = None) -> Bought | None:
        """A player takes a step of the offer chain, the open one if none is named, or orders it where it is paid."""
        key, is_open = rules.open_step(self.purse(buyer), chain, self.now)
        number = number or is_open or 1
        path = f"{self.api}/user/offer_chain/{chain.chain_id}/step/number/{number}"
        given = chain.gives[number - 1]
        if number in chain.paid:
            order = Bought(0, buyer.player_id, "money", list(given.items()), self.now, step=(key, number))
            return await self.order(buyer, f"{path}/order", {}, order, may=number == is_open)

        def effect(books: Books) -> None:
            purse = books.purses[buyer.player_id]
            purse.steps.setdefault(key, set()).add(number)
            rules.receive(purse, self.shop, given, self.now)

        await self.act(buyer, "POST", f"{path}/claim", effect, may=number == is_open)
        return None

    # -- Orders for money -------------------------------------------------------------------------------------------

    async def order_money(self, buyer: Buyer) -> Bought | None:
        """A player orders something for money, perhaps with a code."""
        good, count = self.chance.choice(self.shop.sold_for("money")), self.chance.randint(1, 2)
        body: dict[str, Any] = {"quantity": count}
        may: bool | None = rules.may_have(self.books, self.shop, buyer.player_id, good.sku, count, self.now)
        order = Bought(0, buyer.player_id, "money", [(good.sku, count)], self.now)
        coded = None
        kind = "unique_catalog_offer" if good.sku in self.shop.hidden else "promocode"
        found = [each for each in self.shop.coded if each.kind == kind]
        if found and self.chance.random() < (0.8 if good.sku in self.shop.hidden else 0.5):
            coded, code = found[0], self.chance.choice(found[0].codes)
            if rules.is_usable(self.books, coded, buyer.player_id, code, self.now):
                order.promotions.append((coded.external_id, code))
            else:
                if not self.may_miss(buyer):
                    return None
                may = None if good.sku not in self.shop.hidden else False
                coded = None
            body["promo_code"] = code
        elif good.sku in self.shop.hidden:
            may = False
        return await self.order(buyer, f"{self.api}/payment/item/{good.sku}", body, order, may=may, coded=coded)

    async def order(
        self, buyer: Buyer, path: str, body: dict[str, Any], order: Bought, *, may: bool | None, coded: Any = None
    ) -> Bought | None:
        """Send an order for money, which has no key: one that is broken off may be there or not."""
        for present in self.shop.presents:
            for sku, _ in order.lines:
                if sku == present["sku"] and rules.runs(present["period"], self.now):
                    order.presents += present["gives"].items()
        body = {"sandbox": True, "currency": "USD", "country": "DE", **body}
        cents = rules.price_of(self.books, self.shop, order, coded)
        plan = self.talk.any_plan()
        reply = await self.talk.send("POST", path, plan=plan, json=body, headers=buyer.headers)
        if reply is None:
            found = await self._find_new_order(buyer)
            if found is None:
                return None
            order.order_id = found
        else:
            self._judge(reply, may, f"POST {path}")
            if not reply.is_success:
                return None
            order.order_id, order.token = reply.json()["order_id"], reply.json()["token"]
        assert may is not False, "what must be refused was ordered"
        assert order.order_id not in self.books.orders
        rules.hold(self.books, self.shop, order, self.now)
        self.books.orders[order.order_id] = order
        view = await self.get(f"{self.api}/order/{order.order_id}", buyer)
        assert view["status"] == "new"
        assert Decimal(view["content"]["price"]["amount"]) == cents, f"{cents} expected: {view}"
        return order

    async def _find_new_order(self, buyer: Buyer) -> int | None:
        body = {"created_date_from": self.now.isoformat()}
        path = f"/api/v3/project/{self.shop.studio.project_id}/admin/order/search"
        reply = await self.talk.send("POST", path, json=body, auth=self.shop.studio.basic)
        assert reply is not None and reply.status_code == 200, reply
        known = self.books.orders
        found = [
            each["order_id"]
            for each in reply.json()["orders"]
            if each["status"] == "new" and each["order_id"] not in known and each["user"]["id"] == str(buyer.player_id)
        ]
        assert len(found) <= 1, f"one request has made orders {found}"
        return found[0] if found else None

    def buyer_of(self, order: Bought) -> Buyer:
        """Whose order it is."""
        return next(buyer for buyer in self.shop.buyers if buyer.player_id == order.player_id)

    def is_payable(self, order: Bought) -> bool:
        """Whether the simulation may try to pay an order."""
        return order.state == "new" and order.token is not None and order.tried_at is None

    async def sync(self, *orders: Bought) -> None:
        """Read what has become of orders, and note it."""
        for order in orders:
            view = await self.get(f"{self.api}/order/{order.order_id}", self.buyer_of(order))
            before = order.state
            rules.settle(self.books, self.shop, order, view["status"], self.now)
            if order.state == "canceled" and before in ("paid", "done"):
                rules.take_back(self.books, self.shop, order)

    async def sync_open(self) -> None:
        """The same of every order that may have moved by itself."""
        # Paid ones first: they end others of the same items.
        await self.sync(*(order for order in self.books.orders.values() if self._may_move(order)))
        for order in self.books.orders.values():
            is_over = self.now >= order.made_at + rules.PAYABLE_FOR
            assert order.state != "new" or not is_over, f"order {order.order_id} does not end"

    def _may_move(self, order: Bought) -> bool:
        if order.state in ("paid", "done"):
            return order.is_refund_asked is not False
        return order.state == "new" or (order.state == "expired" and order.tried_at is not None)

    # -- Time -------------------------------------------------------------------------------------------------------

    async def jump(self, _: Buyer) -> None:
        """A little time passes, minutes to a few days: the year itself passes between the visits."""
        is_short = self.chance.random() < 0.5
        by = timedelta(minutes=self.chance.randint(1, 400) if is_short else self.chance.randint(360, 3600))
        await self.jump_to(self.now + by)

    async def jump_to(self, to: datetime) -> None:
        """Move the clock, again and again until it has come there."""
        plan, path = self.talk.any_plan(), clock_path(self.shop.studio, "/jump")
        while True:
            body = {"to": to.isoformat()}
            reply = await self.talk.send("PUT", path, plan=plan, json=body, auth=self.shop.studio.basic)
            if plan is not None and plan.has_broken:
                async with self.shop.studio.context.database.connection() as connection:
                    await connection.execute(END_LEASES, self.shop.studio.project_id)
            plan = None
            if reply is not None:
                assert reply.status_code == 200, reply.text
                if reply.json()["has_arrived"]:
                    break
        self.now = to
        await self.sync_open()

    async def sweep(self, _: Buyer) -> None:
        """What the worker does by itself, perhaps broken off on the way."""
        plan = self.talk.any_plan()
        await leave_alone(self.shop.studio)
        if plan is not None:
            await self._sweep_broken(plan)
            await leave_alone(self.shop.studio)
        context = self.shop.studio.context
        await expire_due_orders(context)
        await sweep_payments(context)
        await self.sync_open()
        for order in self.books.orders.values():
            if order.state == "new" and order.settles_at is None:
                order.tried_at = None  # nothing has come of it

    async def _sweep_broken(self, plan: Plan) -> None:
        context = self.shop.studio.context

        async def run() -> None:
            PLAN.set(plan)
            try:
                await expire_due_orders(context)
                await sweep_payments(context)
            except DatabaseAway:
                assert plan.has_broken

        await self.talk.broken_off(plan, run())

    async def look(self, buyer: Buyer) -> None:
        """A player reads everything; it must be what the books say."""
        found, expected = await self.read_purse(buyer), self.expected(self.purse(buyer))
        assert found == expected, f"{buyer.player_id} at {self.now}: the shop says {found}, the books {expected}"
        if (road := self.shop.road) is not None:
            points = (await self.get(f"{self.api}/user/reward_chain/{road.chain_id}/balance", buyer))["amount"]
            counted = self.purse(buyer).points[rules.window_of(road, self.now)]
            assert points == counted, f"{buyer.player_id} at {self.now}: {points} value points, {counted} by the books"

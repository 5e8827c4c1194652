"""What players of a rehearsal buy, and the codes that they use: the operations' rules decide, nothing is stored."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from haversack.catalog.read_model.personal import buying, personal_of
from haversack.catalog.read_model.records import NOBODY, Personal, PlayerUses
from haversack.catalog.read_model.records import Standing as Known
from haversack.catalog.records import VirtualItemType
from haversack.catalog.selling import SellableItem
from haversack.chains.records import Step
from haversack.errors import USER_LIMIT_EXCEEDED, Refusal
from haversack.inventory.records import CurrencyGrant, Granted, ItemGrant
from haversack.inventory.rules import merged, unfold
from haversack.limits.records import Uses
from haversack.limits.rules import available_to_player, item_window, since_reset, used_in
from haversack.limits.schedule import window_of
from haversack.orders import rules
from haversack.orders.records import OrderLine
from haversack.orders.rules import Way
from haversack.pricing.lines import virtual_lines_of
from haversack.pricing.purchases import Purchase, price_purchase, price_step
from haversack.pricing.records import PricedLine
from haversack.pricing.records import Step as Rule
from haversack.pricing.rules import price_cart, reasons_of
from haversack.promotions.codes.rules import CodeFault, fault_of
from haversack.promotions.records import (
    NO_CODES,
    BonusItems,
    Codes,
    Promotion,
    PromotionKind,
    RevealedItems,
    Situation,
)
from haversack.promotions.rules import used_up
from haversack.rehearsal.records import Player, Tally
from haversack.rehearsal.season import COUPONS, WITH_PURCHASE, Season, Stop
from haversack.rehearsal.temperaments import happens

CODE = "rehearsed"
# Of visits on which somebody looks for something that is free, or that the wallet can pay.
PICKS = 20

WHY_CLOSED = {
    CodeFault.EXPIRED: "Its time was over when codes were tried.",
    CodeFault.UNKNOWN: "Its codes opened nothing: it had not begun, or was not for the players who tried.",
}

Wanted = Sequence[tuple[SellableItem, int]]


@dataclass(frozen=True, slots=True)
class Bought:
    """What an order came to: the value points that come with it, and what it says in a trace."""

    points: dict[int, int]
    text: str


@dataclass(slots=True, eq=False)
class Till:
    """Where the players of a rehearsal buy; what they do is counted."""

    season: Season
    tally: Tally

    # -- What a player decides ------------------------------------------------------------------------------------

    def visit(self, player: Player, stop: Stop) -> Iterable[Bought]:
        """What a player buys and redeems on a visit to the shop."""
        rng, temperament = player.rng, player.temperament
        if self.season.with_codes and happens(rng, temperament.codes):
            yield from self._use_coupon(player, stop)
        if happens(rng, temperament.buys):
            yield from self._buy_for_money(player, stop)
        if happens(rng, PICKS):
            yield from self._pick(player, stop)

    def _buy_for_money(self, player: Player, stop: Stop) -> Iterable[Bought]:
        rng, goods = player.rng, self.season.goods_at(stop)
        looks_for_promotion = happens(rng, player.temperament.bargains)
        choice: Sequence[SellableItem] = (looks_for_promotion and goods.promoted) or goods.for_money
        codes = NO_CODES
        if self.season.with_codes and happens(rng, player.temperament.codes):
            promotion = self._known_code(player, stop, WITH_PURCHASE)
            if promotion is not None:
                codes = Codes({promotion.promotion_id: CODE})
                choice = self._revealed(promotion) or choice
        if choice:
            bought = self.order(player, stop, [(rng.choice(choice), 1)], Way.MONEY, codes=codes)
            if bought is not None:
                yield bought

    def _pick(self, player: Player, stop: Stop) -> Iterable[Bought]:
        goods = self.season.goods_at(stop)
        choice: list[tuple[SellableItem, str | None]] = [(item, None) for item in goods.free]
        if player.balances:
            choice += [
                (item, price.sku)
                for item in goods.for_currency
                for price in item.virtual_prices
                if price.is_enabled and player.balances[price.sku] >= price.amount
            ]
        if choice:
            item, currency = player.rng.choice(choice)
            if currency is None:
                bought = self.order(player, stop, [(item, 1)], Way.FREE)
            else:
                bought = self._order_for_currency(player, stop, item, currency)
            if bought is not None:
                yield bought

    def _known_code(self, player: Player, stop: Stop, kinds: Sequence[PromotionKind]) -> Promotion | None:
        """A promotion of which the player has a code that opens it now."""
        known = []
        for promotion in self.season.with_codes:
            if promotion.kind in kinds:
                fault = fault_of(promotion, player.attributes, now=stop.now)
                if fault is None:
                    known.append(promotion)
                else:
                    self.tally.not_applied[promotion.promotion_id, WHY_CLOSED[fault]] += 1
        return player.rng.choice(known) if known else None

    def _revealed(self, promotion: Promotion) -> list[SellableItem]:
        named = self.season.catalog.with_keys(
            item_id for each in promotion.rewards if isinstance(each, RevealedItems) for item_id in each.item_ids
        )
        return [item for item_id in sorted(named) if (item := self.season.shop.find_by_id(item_id)) is not None]

    def _use_coupon(self, player: Player, stop: Stop) -> Iterable[Bought]:
        promotion = self._known_code(player, stop, COUPONS)
        if promotion is None:
            return
        _, situation = self._look_at(player, stop, Codes({promotion.promotion_id: CODE}))
        why_not = used_up(promotion, situation)
        if why_not is not None:
            self._note_bound(player, "promotion", promotion.promotion_id)
            self.tally.not_applied[promotion.promotion_id, why_not] += 1
            return
        given = [
            (item, quantity)
            for each in promotion.rewards
            if isinstance(each, BonusItems)
            for item_id, quantity in each.items
            if (entry := self.season.catalog.bonus_entry(item_id)) is not None
            and (item := self.season.shop.find_by_id(entry.item_id)) is not None
        ]
        content = merged([each for item, quantity in given for each in unfold(item, quantity, country=None)])
        self._count_promotion(player, stop, promotion)
        receive(player, content, self.tally.coupons)
        yield Bought({}, f"redeems a coupon of promotion {promotion.promotion_id}: {listed(content)}")

    # -- Orders ---------------------------------------------------------------------------------------------------

    def order(self, player: Player, stop: Stop, wanted: Wanted, way: Way, *, codes: Codes = NO_CODES) -> Bought | None:
        """Order in real money, or for free; None where it is refused."""
        personal, situation = self._look_at(player, stop, codes)
        if self._is_refused(player, stop, wanted, personal):
            return None
        purchase = price_purchase(self.season.shop, wanted, country=None, currency=None, situation=situation)
        self._note_verdicts(player, purchase, situation)
        if purchase.priced.is_free:
            way = Way.FREE
        if any(rules.find_price_fault(line, purchase.priced, way) is not None for line in purchase.priced.lines):
            return None
        lines = self._frozen(player, purchase, stop)
        if lines is None or not self._use_limits(player, stop, lines):
            return None
        for promotion in (*purchase.applied.kept, *self._opened(wanted, codes)):
            self._count_promotion(player, stop, promotion)
        return self._finish(player, purchase, lines, way)

    def order_step(self, player: Player, stop: Stop, step: Step) -> Bought | Refusal:
        """Order what a step of an offer chain gives: promotions, periods and limits mean nothing to it."""
        shop, project_id = self.season.shop, self.season.catalog.project_id
        wanted: list[tuple[SellableItem, int]] = []
        for reward in step.rewards:
            item = shop.find_by_id(reward.item_id)
            looked = rules.Looked(sku=str(reward.item_id), quantity=reward.quantity, item=None)
            if item is not None:
                wanted.append((item, reward.quantity))
                looked = rules.look_at(
                    shop, item, reward.quantity, country=None, personal=NOBODY, now=stop.now, is_in_chain=True
                )
            fault = rules.find_fault(looked, project_id=project_id, country=None)
            if fault is not None:
                return fault
        purchase = price_step(shop, wanted, country=None, currency=None, is_given=False)
        for line in purchase.priced.lines:
            fault = rules.find_price_fault(line, purchase.priced, Way.MONEY)
            if fault is not None:
                return fault
        lines = rules.freeze(purchase.priced, purchase.items, now=stop.now)
        faults = rules.owned_faults(lines, player.owned)
        return faults[0][1] if faults else self._finish(player, purchase, lines, Way.MONEY)

    def _order_for_currency(self, player: Player, stop: Stop, item: SellableItem, currency: str) -> Bought | None:
        personal, _ = self._look_at(player, stop, NO_CODES)
        wanted = [(item, 1)]
        if self._is_refused(player, stop, wanted, personal):
            return None
        priced = price_cart(virtual_lines_of(wanted, currency_sku=currency), currency=currency, is_virtual=True)
        lines = self._frozen(player, Purchase(priced, (item,), currency), stop)
        if lines is None or not self._use_limits(player, stop, lines):
            return None
        amount = int(priced.amount or 0)
        player.balances[currency] -= amount
        self.tally.spent[currency] += amount
        self._deliver(player, lines, Way.VIRTUAL_CURRENCY)
        return Bought({}, f"buys {item.sku} for {amount} {currency}")

    def _look_at(self, player: Player, stop: Stop, codes: Codes) -> tuple[Personal, Situation]:
        """What the catalog is to a player who has given codes, and how promotions look at them."""
        known = Known(player.item_uses, player.promotion_uses, player.attributes)
        personal = personal_of(self.season.catalog, known, stop.now)
        return buying(self.season.catalog, personal, codes, stop.now)

    def _is_refused(self, player: Player, stop: Stop, wanted: Wanted, personal: Personal) -> bool:
        for item, quantity in wanted:
            looked = rules.look_at(self.season.shop, item, quantity, country=None, personal=personal, now=stop.now)
            fault = rules.find_fault(looked, project_id=self.season.catalog.project_id, country=None)
            if fault is not None:
                if fault.kind is USER_LIMIT_EXCEEDED:
                    self._note_bound(player, "item", item.item_id)
                return True
        return False

    def _frozen(self, player: Player, purchase: Purchase, stop: Stop) -> tuple[OrderLine, ...] | None:
        lines = rules.freeze(purchase.priced, purchase.items, now=stop.now, discounts=purchase.applied.discounts)
        lines = rules.without_owned_bonuses(lines, player.owned)
        return None if rules.owned_faults(lines, player.owned) else lines

    def _use_limits(self, player: Player, stop: Stop, lines: Sequence[OrderLine]) -> bool:
        """Count what is bought against the player's limits, all of it or nothing."""
        taken: dict[int, PlayerUses] = {}
        for line in lines:
            entry = self.season.catalog.entries.get(line.item_id)
            limits = None if entry is None else entry.limits
            if limits is None or limits.per_user is None or not rules.counts_against_limit(line):
                continue
            reset_at = self.season.item_resets.get(line.item_id)
            window = item_window(limits, stop.now, reset_at=reset_at)
            known = taken.get(line.item_id) or player.item_uses.get(line.item_id)
            uses = None if known is None else known.uses
            if line.quantity > available_to_player(limits, uses, window):
                self._note_bound(player, "item", line.item_id)
                return False
            used = used_in(uses, window) + line.quantity
            taken[line.item_id] = PlayerUses(Uses(window.start, used), reset_at)
        player.item_uses.update(taken)
        for line in lines:
            limits = self.season.catalog.entries[line.item_id].limits
            if limits is not None and limits.per_item is not None:
                self.tally.stock_sold[line.item_id, stop.day] += line.quantity
        return True

    def _opened(self, wanted: Wanted, codes: Codes) -> list[Promotion]:
        """The unique offers by whose codes something was bought."""
        promotions = self.season.catalog.promotions
        ids = {item_id for item, _ in wanted for item_id in (item.item_id, item.game_id)}
        return [
            promotions.by_id[promotion_id]
            for promotion_id in codes.opened
            if not ids.isdisjoint(promotions.kept_back.get(promotion_id, ()))
        ]

    # -- What becomes of them -------------------------------------------------------------------------------------

    def _finish(self, player: Player, purchase: Purchase, lines: Sequence[OrderLine], way: Way) -> Bought:
        tally, priced = self.tally, purchase.priced
        if priced.currency is not None and priced.amount is not None and way is Way.MONEY:
            before = priced.amount if priced.amount_without_discount is None else priced.amount_without_discount
            tally.paid[priced.currency] = tally.paid.get(priced.currency, Decimal(0)) + priced.amount
            tally.before[priced.currency] = tally.before.get(priced.currency, Decimal(0)) + before
        for line in priced.lines:
            self._note_discounts(line)
        self._deliver(player, lines, way)
        cost = f"for {priced.amount} {priced.currency}" if priced.amount else "for nothing"
        skus = ", ".join(f"{line.line.quantity} x {line.line.sku}" for line in priced.lines)
        by = ", ".join(str(each.promotion_id) for each in purchase.applied.kept)
        return Bought(rules.value_points_by(lines), f"buys {skus} {cost}" + (f" (promotions {by})" if by else ""))

    def _deliver(self, player: Player, lines: Sequence[OrderLine], way: Way) -> None:
        self.tally.orders[way.value] += 1
        for line in lines:
            if line.parent_line_no is None:
                (self.tally.bonuses if line.is_bonus else self.tally.sold)[line.sku] += line.quantity
        receive(player, rules.granted_by(lines, country=None), None)

    def _note_discounts(self, line: PricedLine) -> None:
        """What each promotion took off a line, in their order; what rounding makes of it is the last one's."""
        if line.amount is None or line.amount_without_discount is None or not line.discounts:
            return
        assert line.currency is not None, "an amount is in some currency"
        before, left = line.amount_without_discount, len(line.discounts)
        steps = [each for each in reasons_of(line) if each.step in (Rule.ITEM_DISCOUNT, Rule.CART_DISCOUNT)]
        for discount, reason in zip(line.discounts, steps, strict=True):
            left -= 1
            after = line.amount if not left or reason.amount is None else reason.amount
            key = (discount.promotion_id, line.currency)
            self.tally.taken_off[key] = self.tally.taken_off.get(key, Decimal(0)) + before - after
            before = after

    def _note_verdicts(self, player: Player, purchase: Purchase, situation: Situation) -> None:
        for verdict in purchase.applied.verdicts:
            if not verdict.is_kept:
                self.tally.not_applied[verdict.promotion_id, verdict.why] += 1
                promotion = self.season.catalog.promotions.by_id[verdict.promotion_id]
                if verdict.why == used_up(promotion, situation):
                    self._note_bound(player, "promotion", verdict.promotion_id)

    def _note_bound(self, player: Player, what: str, number: int) -> None:
        self.tally.bound[what, number] += 1
        player.bound.add((what, number))

    def _count_promotion(self, player: Player, stop: Stop, promotion: Promotion) -> None:
        number = promotion.promotion_id
        self.tally.promotion_uses[number] += 1
        reset_at = self.season.promotion_resets.get(number)
        window = since_reset(window_of(promotion.limits.schedule, stop.now), stop.now, reset_at=reset_at)
        known = player.promotion_uses.get(number)
        used = used_in(None if known is None else known.uses, window)
        player.promotion_uses[number] = PlayerUses(Uses(window.start, used + 1), reset_at)


def receive(player: Player, content: Sequence[Granted], counted: "Counter[str] | None") -> None:
    """Give a player things. What can be owned once and is owned already stays one."""
    for given in content:
        quantity = given.quantity
        if isinstance(given, ItemGrant) and given.virtual_item_type is VirtualItemType.NON_CONSUMABLE:
            if given.item_id in player.owned:
                continue
            player.owned.add(given.item_id)
            quantity = 1
        elif isinstance(given, CurrencyGrant):
            player.balances[given.sku] += quantity
        if counted is not None:
            counted[given.sku] += quantity


def listed(content: Sequence[Granted]) -> str:
    """Things as a trace names them."""
    return ", ".join(f"{given.quantity} x {given.sku}" for given in content) or "nothing"

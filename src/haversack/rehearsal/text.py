"""A report as lines of text, for who reads it in a terminal."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from haversack.rehearsal.report import ChainLine, Given, Place, Report

SOLD_SHOWN_MAX = 15


def lines_of_report(report: Report) -> Iterator[str]:
    """The report, one section after another; those that have nothing to say are left out."""
    yield (
        f"Project {report.project_id} rehearsed with {_some(report.players, 'player')}"
        f" for {_some(report.days, 'day')} from "
        f"{report.starts_at.isoformat(timespec='minutes')}, seed {report.seed}"
    )
    yield from _section("Players", _table(_groups(report)))
    for chain in report.chains:
        yield from _section(_headline(chain), _table(_steps(chain)))
    dead = [[f"step {each.number} of chain {each.chain_id}", each.chain, each.why] for each in report.dead_steps]
    yield from _section("Dead steps: nobody took them", _table(dead))
    yield from _section("Where many stop", _table([_place(each) for each in report.stops]))
    yield from _section(
        "Who is stuck (`--player N --trace` shows the way of one)", _table([_stuck(each) for each in report.stuck])
    )
    worth = f", {_money(report.rewards_value)} at list price" if report.rewards_value else ""
    yield from _section(f"Given away by steps{worth}", _table(_given(report.rewards)))
    yield from _section("Given on top by promotions", _table(_given(report.bonuses)))
    yield from _section("Given by coupons", _table(_given(report.coupons)))
    yield from _section("Sold", _table(_sales(report)))
    yield from _section("Promotions", _table(_promotions(report)))
    unused = [
        [f"{each.promotion_id}", f"{each.kind} {each.name}", each.why_unused]
        for each in report.promotions
        if each.why_unused is not None
    ]
    yield from _section("Promotions that were never used", _table(unused))
    bound = [[each.what, each.name, _some(each.players, "player"), _some(each.times, "time")] for each in report.limits]
    yield from _section("Limits of players that bound", _table(bound))
    yield from _section("Not enough for all", _table(_stock(report)))


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield ""
        yield title
        yield from found


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if not rows:
        return
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _groups(report: Report) -> list[list[str]]:
    return [
        [each.name, _some(each.players, "player"), _some(each.visits, "visit"), f"{each.left:,} left for good"]
        for each in report.groups
    ]


def _headline(chain: ChainLine) -> str:
    points = "" if chain.most_points is None else f", {_some(chain.most_points, 'point')} at most"
    return f"Chain {chain.chain_id}, {chain.kind}: {chain.name} (seen by {_some(chain.seen_by, 'player')}{points})"


def _steps(chain: ChainLine) -> list[list[str]]:
    return [
        [
            f"step {step.number}",
            f"open to {step.reached:,}",
            f"taken by {step.claimers:,}",
            _some(step.claims, "time"),
            f"{step.stopped_before:,} came no further" if step.stopped_before else "",
        ]
        for step in chain.steps
    ]


def _place(place: Place) -> list[str]:
    return [
        f"before step {place.number} of chain {place.chain_id}",
        place.chain,
        f"asks for {place.asks}",
        f"{place.players:,} of {place.of:,} players",
    ]


def _stuck(place: Place) -> list[str]:
    examples = ", ".join(map(str, place.examples))
    return [
        f"before step {place.number} of chain {place.chain_id}",
        place.chain,
        f"asks for {place.asks}",
        _some(place.players, "player"),
        f"such as {examples}",
    ]


def _given(given: Sequence[Given]) -> list[list[str]]:
    return [[each.sku, f"{each.units:,}", "no price" if each.value is None else _money(each.value)] for each in given]


def _sales(report: Report) -> list[list[str]]:
    sales = report.sales
    rows = [["orders", ", ".join(f"{count:,} for {way}" for way, count in sales.orders.items())]]
    rows += [
        ["money", f"{_amount(paid, currency)} paid, {_amount(sales.taken_off[currency], currency)} taken off"]
        for currency, paid in sales.paid.items()
    ]
    rows += [["spent", f"{amount:,} {sku}"] for sku, amount in sales.spent.items()]
    best = sorted(sales.sold.items(), key=lambda each: (-each[1], each[0]))
    rows += [[f"{units:,} x", sku] for sku, units in best[:SOLD_SHOWN_MAX]]
    if len(best) > SOLD_SHOWN_MAX:
        rows.append(["", f"and {len(best) - SOLD_SHOWN_MAX} more"])
    return rows if sales.orders else []


def _promotions(report: Report) -> list[list[str]]:
    return [
        [
            f"{each.promotion_id}",
            f"{each.kind} {each.name}",
            _some(each.uses, "use"),
            f"{_money(each.taken_off)} taken off" if each.taken_off else "",
        ]
        for each in report.promotions
        if each.uses
    ]


def _stock(report: Report) -> list[list[str]]:
    return [
        [
            each.what,
            each.name,
            f"{each.wanted:,} wanted of {each.available:,}",
            "" if each.day is None else f"gone on day {each.day}",
        ]
        for each in report.stock
    ]


def _some(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _money(amounts: Mapping[str, Decimal]) -> str:
    return ", ".join(_amount(amount, currency) for currency, amount in amounts.items())


def _amount(amount: Decimal, currency: str) -> str:
    return f"{amount:,f} {currency}"

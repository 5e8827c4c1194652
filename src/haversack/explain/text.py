"""A trace as lines of text, for who reads it in a terminal."""

from collections.abc import Iterable, Iterator

from haversack.explain.records import Asked, Cost, Finding, LineTrace, Trace

KEPT, DROPPED = "+", "-"


def lines_of_trace(trace: Trace) -> Iterator[str]:
    """The trace, a finding on a line: `+` kept, `-` dropped."""
    what = f"item {trace.lines[0].sku}" if trace.cart_id is None else f"cart {trace.cart_id}"
    yield f"{what} of project {trace.project_id}, {_circumstances(trace.asked)}"
    for line in trace.lines:
        yield ""
        yield f"{line.quantity} x {line.sku}: {_summary(line)}"
        yield from _table(line.findings)
    if trace.findings:
        yield ""
        yield "promotions"
        yield from _table(trace.findings)
    if trace.cart_id is not None:
        yield ""
        yield "The cart is empty." if not trace.lines else f"The cart costs {_cost(trace.cost)}."


def _circumstances(asked: Asked) -> str:
    parts = (
        f"for {asked.player}" if asked.player is not None else "for somebody who is not signed in",
        f"in {asked.country}" if asked.country is not None else "in no known country",
        f"in {asked.currency}" if asked.currency is not None else "",
        f"with the code {asked.code}" if asked.code is not None else "",
        f"at {asked.at.isoformat(timespec='seconds')}",
    )
    return ", ".join(part for part in parts if part)


def _summary(line: LineTrace) -> str:
    shown = "shown" if line.is_shown else "hidden"
    bought = "can be bought" if line.can_be_bought else "cannot be bought"
    return f"{shown}, {bought}, {_cost(line.cost)}"


def _cost(cost: Cost | None) -> str:
    if cost is None:
        return "nothing, or it has no price"
    before = cost.amount_without_discount
    return f"{cost.amount:f} {cost.currency}" + (f" (before discounts {before:f})" if before != cost.amount else "")


def _table(findings: Iterable[Finding]) -> Iterator[str]:
    rows = [(KEPT if each.is_kept else DROPPED, each.topic.value, each.rule, each.why) for each in findings]
    topic_width = max(len(topic) for _, topic, _, _ in rows)
    rule_width = min(max(len(rule) for _, _, rule, _ in rows), 40)
    for mark, topic, rule, why in rows:
        yield f"  {mark} {topic.ljust(topic_width)}  {rule.ljust(rule_width)}  {why}"

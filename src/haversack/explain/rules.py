"""Findings that follow from values alone: prices, personalization, promotions. Pure.

What is decided elsewhere is not decided anew here: which price applies, whether a rule shows an item and which
promotions apply are asked of the functions that the catalog, carts and orders ask.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from haversack.catalog.records import Price
from haversack.explain.records import Finding, Topic
from haversack.personalization.records import (
    AttributeCondition,
    Attributes,
    FilterRule,
    PartnerAnswer,
    PartnerItem,
    PartnerSource,
)
from haversack.personalization.rules import hidden_items, meets, shows
from haversack.pricing.records import PricedLine
from haversack.pricing.rules import reasons_of
from haversack.promotions.records import Verdict

_SOURCES = {
    PartnerSource.ANSWERED: "The game has said what this player sees.",
    PartnerSource.GUESTS: "The game does not know the player, who sees what it shows to guests.",
    PartnerSource.REMEMBERED: "The game does not answer: what it said last stands in.",
    PartnerSource.NOTHING: "The game does not answer, and has not said anything lately: nothing is shown.",
}


# -- Personalization ------------------------------------------------------------------------------------------------


def filter_findings(
    rules: Sequence[FilterRule], attributes: Attributes | None, item_id: int
) -> tuple[bool, list[Finding]]:
    """Whether filter rules let an item through, and what each rule that names it says."""
    naming = [rule for rule in rules if item_id in rule.item_ids]
    findings = [_filter_finding(rule, attributes) for rule in naming]
    is_hidden = item_id in hidden_items(rules, attributes)
    if is_hidden:
        why = "None of the rules that name it shows it."
    elif not naming:
        why = "No filter rule names it: it is for everybody."
    elif any(finding.is_kept for finding in findings):
        why = "One of the rules that name it shows it."
    else:
        why = "The rules that name it are switched off: it is for everybody."
    return not is_hidden, [*findings, Finding(Topic.PERSONALIZATION, "filter rules", not is_hidden, why)]


def _filter_finding(rule: FilterRule, attributes: Attributes | None) -> Finding:
    is_kept = rule.is_enabled and shows(rule, attributes)
    if not rule.is_enabled:
        why = "It is switched off."
    elif attributes is None:
        what = "shows" if is_kept else "does not show"
        why = f"It {what} its items to those who are not signed in."
    elif is_kept:
        why = "The player meets all of its conditions."
    else:
        unmet = [_unmet(each, attributes) for each in rule.conditions if not meets(each, attributes)]
        why = f"Not met: {'; '.join(unmet)}."
    return Finding(Topic.PERSONALIZATION, f"filter rule {rule.rule_id} ({rule.name})", is_kept, why)


def _unmet(condition: AttributeCondition, attributes: Attributes) -> str:
    found = attributes.get(condition.attribute)
    wanted = f"{condition.attribute} {condition.operator} {condition.value} ({condition.type.value})"
    return f"{wanted}, and the player has {'none' if found is None else found}"


def partner_findings(answer: PartnerAnswer, item: PartnerItem | None, *, is_hidden: bool) -> list[Finding]:
    """What the game says of an item, and where its answer comes from. item: None where it does not name it."""
    source = _SOURCES[answer.source]
    if answer.problem and answer.source is not PartnerSource.GUESTS:
        source = f"{source} {answer.problem}"
    findings = [
        Finding(Topic.PERSONALIZATION, "partner_side_catalog", answer.source is PartnerSource.ANSWERED, source),
        *(Finding(Topic.PERSONALIZATION, "entry left out", False, f"Entry {fault}.") for fault in answer.faults),
    ]
    if item is None:
        why = "The game does not name it." if is_hidden else "The game offers one of its keys."
    elif is_hidden:
        why = f"The game offers it at another time: {span(item.date_from, item.date_until)}."
    else:
        number = {None: "any number of it", 0: "none of it may be bought"}.get(item.quantity, f"{item.quantity} of it")
        why = f"The game offers it: {number}."
    findings.append(Finding(Topic.PERSONALIZATION, "offered by the game", not is_hidden, why))
    return findings


def span(start: datetime | None, end: datetime | None) -> str:
    """A period in words."""
    parts = (f"from {start.isoformat()}" if start else "", f"until {end.isoformat()}" if end else "")
    return " ".join(part for part in parts if part) or "always"


# -- Prices ---------------------------------------------------------------------------------------------------------


def price_findings(
    prices: Sequence[Price], chosen: Price | None, *, country: str, currency: str | None, is_asked_for: bool
) -> Iterator[Finding]:
    """What became of each price of an item. country: "" where none is known; currency: the only one looked at, because
    the caller asked for it or because the catalog shows the country one currency."""
    for price in prices:
        is_kept = price is chosen
        yield Finding(
            Topic.PRICE,
            _price_words(price),
            is_kept,
            _why_chosen(price, country)
            if is_kept
            else _why_not_chosen(price, country, currency, is_asked_for=is_asked_for),
        )


def _price_words(price: Price) -> str:
    where = f"in {price.country_iso}" if price.country_iso else "by default" if price.is_default else "anywhere"
    return f"{price.amount} {price.currency} {where}"


def _why_chosen(price: Price, country: str) -> str:
    if price.country_iso:
        return f"{price.country_iso} has a price of its own."
    if not price.is_default:
        return f"No other price fits in {price.currency}."
    return f"{country} has no price of its own that fits: the default one applies." if country else "It is the default."


def _why_not_chosen(price: Price, country: str, currency: str | None, *, is_asked_for: bool) -> str:
    if not price.is_enabled:
        return "It is switched off."
    if price.country_iso and price.country_iso != country:
        return f"It is for {price.country_iso} alone."
    if currency is not None and price.currency != currency:
        if is_asked_for:
            return f"Prices in {currency} were asked for."
        return f"Everything is shown in {currency} here, since prices would be in several currencies."
    if not price.country_iso and not price.is_default and currency is None:
        return "It is neither the default nor for a country."
    return "Another price comes first."


def line_findings(priced: PricedLine) -> Iterator[Finding]:
    """The steps in which a line's amount was made."""
    for reason in reasons_of(priced):
        amount = "" if reason.amount is None else f" = {reason.amount:f} {priced.currency}"
        yield Finding(Topic.PRICE, reason.step.value, True, f"{reason.text}{amount}")


def verdict_finding(verdict: Verdict) -> Finding:
    """What became of a promotion."""
    return Finding(Topic.PROMOTION, f"promotion {verdict.promotion_id} ({verdict.name})", verdict.is_kept, verdict.why)

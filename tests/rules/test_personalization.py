"""Whether attributes meet conditions: each operator of each type, what is missing, what cannot be read."""

import pytest

from haversack.personalization.records import AttributeCondition, AttributeType, FilterRule
from haversack.personalization.rules import OPERATORS, hidden_items, meets, meets_all, shows


def make_condition(type_: str, operator: str, value: str, *, can_be_missing: bool = False) -> AttributeCondition:
    return AttributeCondition(
        attribute="it", type=AttributeType(type_), operator=operator, value=value, can_be_missing=can_be_missing
    )


@pytest.mark.parametrize(
    ("type_", "operator", "wanted", "met_by", "not_met_by"),
    [
        ("string", "eq", "elf", ["elf"], ["Elf", "orc", ""]),
        ("string", "ne", "elf", ["orc"], ["elf"]),
        ("number", "eq", "5", ["5", "5.0"], ["6", "five"]),
        ("number", "ne", "5", ["6"], ["5.00", "five"]),
        ("number", "gt", "5", ["5.1"], ["5", "4"]),
        ("number", "ge", "5", ["5", "6"], ["4.9"]),
        ("number", "lt", "5", ["4"], ["5", "6"]),
        ("number", "le", "5", ["5", "4"], ["6"]),
        ("date", "eq", "2026-01-02", ["2026-01-02", "2026-01-02T03:00:00+03:00"], ["2026-01-03"]),
        ("date", "ne", "2026-01-02", ["2026-01-03"], ["2026-01-02", "soon"]),
        ("date", "er", "2026-01-02", ["2026-01-01"], ["2026-01-02", "2026-01-03"]),
        ("date", "ee", "2026-01-02", ["2026-01-01", "2026-01-02"], ["2026-01-03"]),
        ("date", "lt", "2026-01-02", ["2026-01-03"], ["2026-01-02", "2026-01-01"]),
        ("date", "le", "2026-01-02", ["2026-01-02", "2026-01-03"], ["2026-01-01"]),
    ],
)
def test_operators(type_: str, operator: str, wanted: str, met_by: list[str], not_met_by: list[str]) -> None:
    condition = make_condition(type_, operator, wanted)
    assert [meets(condition, {"it": value}) for value in met_by] == [True] * len(met_by)
    assert [meets(condition, {"it": value}) for value in not_met_by] == [False] * len(not_met_by)


def test_every_operator_has_a_case() -> None:
    for type_, operators in OPERATORS.items():
        for operator in operators:
            meets(make_condition(type_.value, operator, "1"), {"it": "1"})


def test_what_is_missing_meets_only_what_may_be_missing() -> None:
    assert not meets(make_condition("string", "ne", "elf"), {})
    assert meets(make_condition("string", "eq", "elf", can_be_missing=True), {})
    # A present but different value fails all the same.
    assert not meets(make_condition("string", "eq", "elf", can_be_missing=True), {"it": "orc"})


def test_all_conditions_must_hold() -> None:
    conditions = [make_condition("number", "ge", "5"), make_condition("number", "lt", "10")]
    assert [meets_all(conditions, {"it": value}) for value in ("4", "5", "9", "10")] == [False, True, True, False]
    assert not meets_all(conditions, None)


@pytest.mark.parametrize("is_satisfied", [True, False])
def test_nobody_signed_in_sees_what_the_rule_says(is_satisfied: bool) -> None:
    rule = FilterRule(
        project_id=1,
        rule_id=1,
        name="Elves",
        is_enabled=True,
        conditions=(make_condition("string", "eq", "elf", can_be_missing=True),),
        item_ids=(1,),
        is_satisfied_for_unauth=is_satisfied,
    )
    assert shows(rule, None) is is_satisfied
    assert shows(rule, {"it": "elf"})
    assert not shows(rule, {"it": "orc"})


def make_rule(*item_ids: int, level: str = "5", is_enabled: bool = True, for_all: bool = False) -> FilterRule:
    return FilterRule(
        project_id=1,
        rule_id=1,
        name="Those of a level",
        is_enabled=is_enabled,
        conditions=(make_condition("number", "ge", level),),
        item_ids=item_ids,
        is_satisfied_for_unauth=for_all,
    )


def test_an_item_of_several_rules_needs_one_of_them() -> None:
    rules = [make_rule(1, 2, level="5"), make_rule(2, 3, level="10")]
    assert hidden_items(rules, {"it": "4"}) == {1, 2, 3}
    assert hidden_items(rules, {"it": "7"}) == {3}
    assert hidden_items(reversed(rules), {"it": "7"}) == {3}
    assert hidden_items(rules, {"it": "10"}) == frozenset()
    assert hidden_items(rules, {}) == {1, 2, 3}


def test_disabled_rules_neither_hide_nor_show() -> None:
    assert hidden_items([make_rule(1, is_enabled=False)], {}) == frozenset()
    assert hidden_items([make_rule(1), make_rule(1, level="1", is_enabled=False)], {"it": "3"}) == {1}


def test_who_is_not_signed_in_sees_what_rules_say_for_them() -> None:
    assert hidden_items([make_rule(1, for_all=True), make_rule(2), make_rule(3), make_rule(3, for_all=True)], None) == {
        2
    }


def test_nothing_is_hidden_without_rules() -> None:
    assert hidden_items([], None) == hidden_items([], {"it": "1"}) == frozenset()

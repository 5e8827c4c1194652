"""Rules of attributes and groups: limits of an item, what is new, what is left, where items of a group may stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from haversack.catalog.records import Attribute, AttributeLink, AttributeValue
from haversack.catalog.taxonomy import rules
from haversack.catalog.taxonomy.records import GivenAttribute, GivenValue
from haversack.catalog.taxonomy.wire import (
    AttributeView,
    OptionalTranslationsBody,
    RegionNameBody,
    TranslationsBody,
)
from haversack.errors import Refusal
from haversack.text import FIVE_LETTER_CODES


def _given(external_id: str, *values: str, name: str | None = None) -> GivenAttribute:
    texts = None if name is None else {"en": name}
    return GivenAttribute(external_id, texts, tuple(GivenValue(value, {"en": value}) for value in values))


def _known(external_id: str, *values: str, attribute_id: int = 1) -> Attribute:
    stored = tuple(AttributeValue(index, value, {"en": value}) for index, value in enumerate(values, start=1))
    return Attribute(attribute_id, external_id, {"en": external_id}, stored)


def test_what_is_given_twice_counts_once() -> None:
    folded = rules.fold_attributes(
        [
            _given("genre", "b", "a", "b"),
            _given("mood", "calm"),
            _given("genre", "c", "a", name="Genre"),
            _given("genre", name="Later"),
        ]
    )
    assert folded == (_given("genre", "b", "a", "c", name="Genre"), _given("mood", "calm"))


@pytest.mark.parametrize(("attributes", "values", "code"), [(20, 6, None), (21, 1, 9908), (1, 7, 9909), (21, 7, 9908)])
def test_limits_of_an_item(attributes: int, values: int, code: int | None) -> None:
    asked = [_given(f"a{number}", *(f"v{each}" for each in range(values))) for number in range(attributes)]
    if code is None:
        assert rules.fold_attributes(asked) == tuple(asked)
        return
    with pytest.raises(Refusal) as refused:
        rules.fold_attributes(asked)
    assert refused.value.kind.code == code


@given(st.lists(st.tuples(st.sampled_from("abc"), st.lists(st.sampled_from("uvwxyz"))), max_size=12))
def test_folding_loses_and_invents_nothing(asked: list[tuple[str, list[str]]]) -> None:
    folded = rules.fold_attributes([_given(external_id, *values) for external_id, values in asked])
    pairs = {(external_id, value) for external_id, values in asked for value in values}
    assert [each.external_id for each in folded] == list(dict.fromkeys(external_id for external_id, _ in asked))
    found = [(each.external_id, value.external_id) for each in folded for value in each.values]
    assert len(found) == len(set(found))
    assert set(found) == pairs
    assert rules.fold_attributes(folded) == folded


def test_new_attributes_get_a_name() -> None:
    asked = [_given("genre"), _given("mood", name="Mood"), _given("era")]
    assert rules.new_names(asked, {"genre": _known("genre")}) == {"mood": {"en": "Mood"}, "era": {"en": "era"}}


def test_twenty_values_of_a_definition() -> None:
    full = _known("genre", *(f"v{number}" for number in range(19)))
    assert rules.new_values(_given("genre", "v1", "new"), full) == {"new": {"en": "new"}}
    with pytest.raises(Refusal) as refused:
        rules.new_values(_given("genre", "new", "newer"), full)
    assert refused.value.kind.name == "store.attribute_values_used_up"


def test_links_follow_the_given_order() -> None:
    assert rules.link_of(_given("genre", "c", "a"), _known("genre", "a", "b", "c", attribute_id=7)) == (
        AttributeLink(7, (3, 1))
    )


LINKS = (AttributeLink(1, (1, 2)), AttributeLink(2, (1,)), AttributeLink(3, ()))


@pytest.mark.parametrize(("attribute_id", "left"), [(1, LINKS[1:]), (2, (LINKS[0], LINKS[2])), (9, LINKS)])
def test_links_without_an_attribute(attribute_id: int, left: tuple[AttributeLink, ...]) -> None:
    assert rules.without_attribute(LINKS, attribute_id) == left


@pytest.mark.parametrize(
    ("attribute_id", "value_id", "left"),
    [
        (1, 2, (AttributeLink(1, (1,)), *LINKS[1:])),
        (2, 1, (LINKS[0], LINKS[2])),
        (1, 9, LINKS),
        (3, 1, LINKS),
    ],
)
def test_links_without_a_value(attribute_id: int, value_id: int, left: tuple[AttributeLink, ...]) -> None:
    assert rules.without_value(LINKS, attribute_id, value_id) == left


def test_places_name_every_faulty_item() -> None:
    faults = rules.faults_of_places([5, 9, 6, 5, 9], members={5, 6})
    assert [fault.property for fault in faults] == ["1.item_id", "3.item_id", "4.item_id"]
    assert rules.faults_of_places([6, 5], members=[5, 6]) == []


def test_attributes_of_an_item_as_a_studio_sees_them() -> None:
    known = {1: _known("genre", "a", "b"), 2: _known("mood", "calm", attribute_id=2)}
    views = AttributeView.of_links([AttributeLink(2, (1,)), AttributeLink(9, (1,)), AttributeLink(1, (2, 7))], known)
    assert [(view.external_id, [value.external_id for value in view.values]) for view in views] == [
        ("mood", ["calm"]),
        ("genre", ["b"]),
    ]


class _Texts(BaseModel):
    needed: TranslationsBody = {"en": "x"}
    optional: OptionalTranslationsBody = None
    region: RegionNameBody = {"en-US": "x"}


@pytest.mark.parametrize(
    ("field", "body", "read"),
    [
        ("needed", {"en": "a", "en-US": "b"}, {"en": "b"}),
        ("needed", {"en-US": "a", "en": "b", "de": None}, {"en": "b"}),
        ("needed", {"en": "a", "en-US": None, "ja-JP": "b"}, {"ja": "b"}),
        ("needed", {"zh-CN": "a", "zh-TW": "b", "pt-BR": "c"}, {"cn": "a", "tw": "b", "pt": "c"}),
        ("optional", None, None),
        ("optional", {"en": None, "de-DE": None}, None),
        ("optional", {"en": ""}, {"en": ""}),
        ("region", {"en": "a", "cn": "b"}, {"en-US": "a", "zh-CN": "b"}),
        ("region", {"en-US": "a", "en": "b"}, {"en-US": "b"}),
    ],
)
def test_texts_are_read(field: str, body: object, read: object) -> None:
    assert getattr(_Texts.model_validate({field: body}), field) == read


def test_texts_take_every_language_in_both_forms() -> None:
    for codes in (list(FIVE_LETTER_CODES), list(FIVE_LETTER_CODES.values())):
        texts = _Texts.model_validate({"needed": dict.fromkeys(codes, "text")}).needed
        assert texts == dict.fromkeys(FIVE_LETTER_CODES, "text")


@pytest.mark.parametrize(
    ("field", "body", "places"),
    [
        ("needed", {}, [("needed",)]),
        ("needed", None, [("needed",)]),
        ("needed", {"en": None}, [("needed",)]),
        ("needed", {"en": "a", "pt-PT": "b", "zh": "c"}, [("needed", "pt-PT"), ("needed", "zh")]),
        ("needed", {"en": {"en": "a"}, "xx": None}, [("needed", "en"), ("needed", "xx")]),
        ("optional", {}, [("optional",)]),
        ("optional", {"zz": None}, [("optional", "zz")]),
        ("optional", "text", [("optional",)]),
        ("region", {"en-GB": "a"}, [("region", "en-GB")]),
    ],
)
def test_texts_name_what_is_faulty(field: str, body: object, places: list[tuple[str, ...]]) -> None:
    with pytest.raises(ValidationError) as refused:
        _Texts.model_validate({field: body})
    assert [error["loc"] for error in refused.value.errors()] == places

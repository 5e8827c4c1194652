"""Filter rules, as a studio's back end reads and changes them, and whether they or the game are asked."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Path, Query
from pydantic import Field

from haversack.catalog.items.queries import list_items_by_ids
from haversack.errors import AUTHORIZATION_NOT_SENT, FILTER_RULE_NOT_FOUND, STORE
from haversack.http.area import Area
from haversack.http.calls import AdminCall
from haversack.http.wire import WireModel
from haversack.personalization import actions, queries
from haversack.personalization.records import FilterRule
from haversack.personalization.wire import (
    FilterRuleBody,
    FilterRuleIdView,
    FilterRuleNamesView,
    FilterRuleNameView,
    FilterRulePageView,
    FilterRulePatchBody,
    FilterRuleView,
    PersonalizationBody,
    PersonalizationView,
)
from haversack.promotions.wire.parts import INT32_MAX

area = Area("personalized-catalog", family=STORE, prefix="/api/v2/project/{project_id}/admin/user/attribute/rule")

# Our own: on the wire the choice is made in the publisher's account.
choice_area = Area("personalization", family=STORE, prefix="/api/v2/project/{project_id}/admin/personalization")

PAGE_MAX = 50

RuleId = Annotated[int, Path(ge=1, le=INT32_MAX)]


class RulePageQuery(WireModel):
    """Which page of the rules, at most 50 at once; of all, of those that are enabled (1) or of those that are not."""

    limit: int = Field(default=PAGE_MAX, ge=1)
    offset: int = Field(default=0, ge=0, le=INT32_MAX)
    is_enabled: Annotated[int, Field(ge=0, le=1)] | None = None


async def _views(call: AdminCall, rules: Sequence[FilterRule]) -> list[FilterRuleView]:
    named = sorted({item_id for rule in rules for item_id in rule.item_ids})
    items = {item.item_id: item for item in await list_items_by_ids(call.db, call.project_id, named)}
    return [FilterRuleView.of(rule, items) for rule in rules]


@area.get("", errors=(AUTHORIZATION_NOT_SENT,))
async def get_filter_rules(call: AdminCall, page: Annotated[RulePageQuery, Query()]) -> FilterRulePageView:
    """Get a page of the filter rules, by their ids."""
    is_enabled = None if page.is_enabled is None else page.is_enabled == 1
    limit = min(page.limit, PAGE_MAX)
    found = await queries.list_page_of_rules(
        call.db, call.project_id, limit=limit, offset=page.offset, is_enabled=is_enabled
    )
    total = await queries.count_rules(call.db, call.project_id, is_enabled=is_enabled)
    return FilterRulePageView(
        items=await _views(call, found), total_items_count=total, has_more=page.offset + len(found) < total
    )


@area.post("", status=201, audit="filter rule created")
async def create_filter_rule(call: AdminCall, body: FilterRuleBody) -> FilterRuleIdView:
    """Create a rule that shows items to those alone whose attributes meet its conditions."""
    return FilterRuleIdView(rule_id=await actions.create_rule(call, body.draft()))


@area.get("/all", errors=(AUTHORIZATION_NOT_SENT,))
async def get_all_filter_rules(call: AdminCall) -> FilterRuleNamesView:
    """List every filter rule by its name."""
    found = await queries.list_rules(call.db, call.project_id)
    return FilterRuleNamesView(items=[FilterRuleNameView.of(rule) for rule in found])


@area.get("/{rule_id}", errors=(FILTER_RULE_NOT_FOUND,))
async def get_filter_rule_by_id(call: AdminCall, rule_id: RuleId) -> FilterRuleView:
    """Get a filter rule."""
    (view,) = await _views(call, [await queries.get_rule(call.db, call.project_id, rule_id)])
    return view


@area.put("/{rule_id}", status=204, errors=(FILTER_RULE_NOT_FOUND,), audit="filter rule replaced")
async def update_filter_rule_by_id(call: AdminCall, rule_id: RuleId, body: FilterRuleBody) -> None:
    """Replace a filter rule. What is left out falls back to its default."""
    await actions.change_rule(call, rule_id, body.draft())


@area.patch("/{rule_id}", status=204, errors=(FILTER_RULE_NOT_FOUND,), audit="filter rule changed")
async def patch_filter_rule_by_id(call: AdminCall, rule_id: RuleId, body: FilterRulePatchBody) -> None:
    """Change a filter rule. What is left out stays."""
    await actions.change_rule(call, rule_id, body.draft())


@area.delete("/{rule_id}", status=204, errors=(FILTER_RULE_NOT_FOUND,), audit="filter rule deleted")
async def delete_filter_rule_by_id(call: AdminCall, rule_id: RuleId) -> None:
    """Delete a filter rule. What it alone named is for all again."""
    await actions.delete_rule(call, rule_id)


@choice_area.get("")
async def get_personalization(call: AdminCall) -> PersonalizationView:
    """Get who says which items a player sees: the project's filter rules, or its game."""
    return PersonalizationView(personalization=call.project.personalization)


@choice_area.put("", status=204, audit="personalization chosen")
async def update_personalization(call: AdminCall, body: PersonalizationBody) -> None:
    """Let the project's filter rules (platform) or its game (partner) say which items a player sees."""
    await actions.choose_personalization(call, body.personalization)

"""Bodies of events and questions: the exact bytes, and the contract's schemas where the contract is at hand."""

import json
from dataclasses import replace
from uuid import UUID

import jsonschema
import pytest

from haversack.webhooks.events import (
    EVENTS,
    QUESTIONS,
    BackpackItemMoved,
    BackpackItemPaid,
    BackpackUserValidation,
    Notification,
    PartnerSideCatalog,
    UserValidation,
    body_of,
)
from make.exchanges import contract_folder
from make.projects import PROJECT

ITEM = UUID("a1b2c3d4-0000-4000-8000-019fb6caa51e")
PAID = BackpackItemPaid(
    item_id=ITEM,
    order_id=17,
    item_sku="booster/1",
    is_currency=True,
    quantity=250,
    user_game_id="sp\u00e9l-17",
)
MOVED = BackpackItemMoved(item_id=ITEM, item_sku="booster-1", is_currency=False, quantity=1, user_game_id="17")


def test_order_paid_byte_for_byte() -> None:
    assert body_of(PAID, PROJECT).decode() == (
        '{"notification_type":"order_paid","items":[{"sku":"booster/1","type":"virtual_currency",'
        '"is_pre_order":false,"quantity":250,"amount":"0","promotions":[]}],"order":{"id":17,"mode":"default",'
        '"currency_type":"unknown","currency":null,"amount":"0","status":"paid","platform":"xsolla","comment":null,'
        '"invoice_id":null,"promotions":[],"promocodes":[],"coupons":[]},"user":{"external_id":"sp\u00e9l-17"},'
        '"custom_parameters":{"backpack_item_id":"a1b2c3d4-0000-4000-8000-019fb6caa51e"}}'
    )


def test_version_2_and_sandbox() -> None:
    body = json.loads(body_of(PAID, replace(PROJECT, is_sandbox=True), version=2))
    [item] = body["items"]
    assert (item["is_free"], item["is_bonus"], item["is_bundle_content"]) == (True, False, False)
    assert body["order"]["mode"] == "sandbox"


def test_move_to_game_byte_for_byte() -> None:
    assert body_of(MOVED, PROJECT) == (
        b'{"notification_type":"move_to_game","settings":{"project_id":44001,"merchant_id":1001},"items":[{"id":'
        b'"a1b2c3d4-0000-4000-8000-019fb6caa51e","sku":"booster-1","type":"virtual_item"}],"user":{"id":"17"}}'
    )
    currency = json.loads(body_of(replace(MOVED, is_currency=True, quantity=5), PROJECT))
    assert currency["items"][0]["type"] == "virtual_currency"
    assert currency["items"][0]["quantity"] == 5


def test_questions_byte_for_byte() -> None:
    settings = b'"settings":{"project_id":44001,"merchant_id":1001}'
    assert body_of(UserValidation(user_id="17"), PROJECT) == (
        b'{"notification_type":"user_validation",' + settings + b',"user":{"id":"17"}}'
    )
    assert body_of(UserValidation(user_id="17", country="US", ip="8.8.8.8"), PROJECT) == (
        b'{"notification_type":"user_validation",' + settings + b',"user":{"ip":"8.8.8.8","id":"17","country":"US"}}'
    )
    parameters = UserValidation(user_id="17", phone="+49", user_name="Hero", zip="10001", custom_parameters={"a": 1})
    assert body_of(parameters, PROJECT) == (
        b'{"notification_type":"user_validation",'
        + settings
        + b',"user":{"phone":"+49","id":"17","name":"Hero","zip":"10001"},"custom_parameters":{"a":1}}'
    )
    assert body_of(BackpackUserValidation(user_id="17"), PROJECT) == (
        b'{"notification_type":"user_validation",' + settings + b',"user":{"id":"17"}}'
    )


@pytest.mark.parametrize("declared", [*EVENTS, *QUESTIONS])
def test_everything_declared_says_what_it_is(declared: type[Notification]) -> None:
    assert declared.__doc__ and declared.name


@pytest.mark.parametrize(
    ("notification", "schema"),
    [
        (PAID, "order_paid.combined"),
        (PAID, "order_paid.separate"),
        (replace(PAID, is_currency=False, quantity=1), "order_paid.combined"),
        (MOVED, "move_to_game.backpack_deprecated"),
        (replace(MOVED, is_currency=True), "move_to_game.backpack_deprecated"),
        (UserValidation(user_id="17", country="DE", email="a@example.com", ip="::1"), "user_validation"),
        (BackpackUserValidation(user_id="17"), "user_validation.backpack_deprecated"),
        (PartnerSideCatalog(user_id="17", country="DE", currency="EUR", locale="de"), "partner_side_catalog"),
        (PartnerSideCatalog(user_id=None, country=None, currency=None, locale="en"), "partner_side_catalog"),
    ],
)
@pytest.mark.parametrize("version", [1, 2])
def test_bodies_fit_the_contract(notification: Notification, schema: str, version: int) -> None:
    folder = contract_folder()
    if folder is None:
        pytest.skip("CONTRACT NOT AT HAND: webhook bodies are not held against webhooks.schemas.json")
    schemas = json.loads((folder / "contract" / "webhooks.schemas.json").read_text())
    wanted = {**schemas["webhooks"][schema], "$defs": schemas["$defs"]}
    jsonschema.validate(json.loads(body_of(notification, PROJECT, version=version)), wanted)

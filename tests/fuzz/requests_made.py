"""What is changed of generated bodies: addresses lead nowhere, and a part of the values comes from a right body."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from make import backpack, catalog, personalization

# Nothing listens here: generated addresses lead nowhere else.
NOWHERE = "http://127.0.0.1:9/"

# Bodies that are taken. What a schema does not say (names in languages, prices that fit) is hardly ever guessed.
RIGHT_BODIES: dict[str, Callable[[], Any]] = {
    "create_game_keys": lambda: [backpack.new_game_key()],
    "create_promo_codes": lambda: [backpack.new_promo_code()],
    "create_virtual_items": lambda: [backpack.new_virtual_item()],
    "create_virtual_currency": lambda: [backpack.new_virtual_currency()],
    "admin_create_virtual_item": catalog.virtual_item,
    "admin_update_virtual_item": catalog.virtual_item,
    "admin_create_virtual_currency": catalog.virtual_currency,
    "admin_update_virtual_currency": catalog.virtual_currency,
    "admin_create_virtual_currency_package": lambda: catalog.package(SEEDED_CURRENCY),
    "admin_update_virtual_currency_package": lambda: catalog.package(SEEDED_CURRENCY),
    "admin_create_bundle": lambda: catalog.bundle(SEEDED_ITEM),
    "admin_update_bundle": lambda: catalog.bundle(SEEDED_ITEM),
    "admin_create_game": lambda: catalog.game(catalog.game_key()),
    "admin_update_game_by_sku": lambda: catalog.game(catalog.game_key()),
    "admin_update_game_by_id": lambda: catalog.game(catalog.game_key()),
    "create_filter_rule": lambda: personalization.filter_rule(SEEDED_ITEM),
    "update_filter_rule_by_id": lambda: personalization.filter_rule(SEEDED_ITEM),
    "patch_filter_rule_by_id": lambda: personalization.filter_rule(SEEDED_ITEM),
}
SEEDED_CURRENCY = "seeded-pearls"
SEEDED_ITEM = "seeded-lamp"
# What is made before the first request, so that others can speak of it.
SEEDS: dict[str, Callable[[], Any]] = {
    "virtual_currency": lambda: catalog.virtual_currency(sku=SEEDED_CURRENCY),
    "virtual_item": lambda: catalog.virtual_item(sku=SEEDED_ITEM),
    "package": lambda: catalog.package(SEEDED_CURRENCY, sku="seeded-sack"),
    "bundle": lambda: catalog.bundle(SEEDED_ITEM, sku="seeded-crate"),
    "game": lambda: catalog.game(catalog.game_key(sku="seeded-key"), sku="seeded-game"),
}
# Which of them a path speaks of; the first that fits.
SKU_OF_PATH = (
    ("/package", "seeded-sack"),
    ("/bundle", "seeded-crate"),
    ("virtual_currency", SEEDED_CURRENCY),
    ("/game/key", "seeded-key"),
    ("/game", "seeded-game"),
    ("/items/", SEEDED_ITEM),
)


def closer_to_right(name: str, body: Any, choice: int) -> Any:
    """A right body of the operation with a few of the generated values in it; the generated one where none is known."""
    if name not in RIGHT_BODIES or choice % 5 == 4 or not isinstance(body, dict | list):
        return body
    right = RIGHT_BODIES[name]()
    if isinstance(right, list):
        first = body[0] if isinstance(body, list) and body else {}
        return [_mixed(right[0], first, choice)]
    return _mixed(right, body, choice)


def _mixed(right: dict[str, Any], generated: Any, choice: int) -> dict[str, Any]:
    if not isinstance(generated, dict) or not generated:
        return right
    names = sorted(generated, key=str)
    taken = {names[(choice + step) % len(names)] for step in range(choice % 3)}
    return {**right, **{each: generated[each] for each in taken}}


def keep_at_home(value: Any) -> Any:
    """A body whose addresses lead nowhere: what is generated must not reach other machines."""
    if isinstance(value, dict):
        return {name: keep_at_home(each) for name, each in value.items()}
    if isinstance(value, list):
        return [keep_at_home(each) for each in value]
    if isinstance(value, str) and "//" in value:
        try:
            is_elsewhere = urlsplit(value.strip()).hostname != "127.0.0.1"
        except ValueError:
            return value
        return NOWHERE if is_elsewhere else value
    return value

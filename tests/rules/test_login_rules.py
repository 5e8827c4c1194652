"""Names, addresses, claims and attributes of players, without a database."""

import re
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haversack.login import rules
from haversack.login.records import Client, ClientKind, Grant, LoginType, Player
from haversack.projects.keys import hash_of

LOGIN = UUID("e6dfaac6-78a8-11e9-9244-42010aa80004")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def client(kind: ClientKind = ClientKind.PUBLIC, *uris: str, secret: str | None = None) -> Client:
    return Client(
        login_project_id=LOGIN,
        client_id=57001,
        kind=kind,
        secret_hash=None if secret is None else hash_of(secret),
        redirect_uris=uris,
    )


def player(**more: object) -> Player:
    values: dict[str, object] = dict.fromkeys(Player.__dataclass_fields__)
    values |= {
        "login_project_id": LOGIN,
        "player_id": UUID("d342dad2-9d59-11e9-a384-42010aa8003f"),
        "login_type": LoginType.PASSWORD,
        "tag": "1234",
        "registered_at": NOW,
        "token_generation": 3,
        "promo_email_agreement": True,
    }
    return Player(**(values | more))  # type: ignore[arg-type]


def grant(**more: object) -> Grant:
    values: dict[str, object] = {
        "login_project_id": LOGIN,
        "client_id": 57001,
        "player_id": player().player_id,
        "login_type": LoginType.DEVICE,
        "scope": "",
        "audience": None,
        "payload": None,
        "redirect_uri": None,
    }
    return Grant(**(values | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("Juno", "jUNO", True),
        ("STRASSE", "straße", True),
        ("ﬁsh", "fish", True),
        ("é", "é", True),
        ("juno", "juno ", False),
        ("juno", "jun0", False),
    ],
)
def test_names_are_compared(one: str, other: str, is_same: bool) -> None:
    assert (rules.name_key(one) == rules.name_key(other)) is is_same


@given(st.text(max_size=40))
def test_name_keys_are_stable(name: str) -> None:
    assert rules.name_key(rules.name_key(name)) == rules.name_key(name)


@pytest.mark.parametrize(
    ("username", "email", "faulty"),
    [
        ("juno", "juno@example.com", set()),
        ("Juno@Example.com", "juno@example.com", set()),
        ("ada@example.com", "juno@example.com", {"username"}),
        ("ada@example.com", None, {"username"}),
        (None, "a@b", set()),
        (None, "a@b@c", {"email"}),
        (None, "a b@c", {"email"}),
        ("juno ", "nobody", {"username", "email"}),
    ],
)
def test_account_names(username: str | None, email: str | None, faulty: set[str]) -> None:
    faults = rules.check_account_names(username=username, email=email)
    assert {fault.property for fault in faults} == faulty


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (None, rules.DEFAULT_REDIRECT_URI),
        (rules.DEFAULT_REDIRECT_URI, rules.DEFAULT_REDIRECT_URI),
        ("https://game.example/back", "https://game.example/back"),
        ("https://game.example/back/", None),
        ("https://game.example/back?x=1", None),
        ("https://evil.example", None),
        ("", None),
    ],
)
def test_redirect_uris(asked: str | None, found: str | None) -> None:
    assert rules.find_redirect_uri(client(ClientKind.PUBLIC, "https://game.example/back"), asked) == found


@given(st.text(min_size=8, max_size=50))
def test_login_url_brings_code_and_state_back(state: str) -> None:
    url = rules.login_url("https://game.example/back?x=1#top", code="a.b_c-d+e", state=state)
    query = parse_qs(urlsplit(url).query, keep_blank_values=True)
    assert query == {"x": ["1"], "code": ["a.b_c-d+e"], "state": [state]}
    assert urlsplit(url).fragment == "top"


def test_challenge_is_that_of_the_standard() -> None:
    # RFC 7636, appendix B.
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert rules.challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_secrets_of_clients() -> None:
    with_secret = client(ClientKind.CONFIDENTIAL, secret="right")
    assert rules.is_secret_of(with_secret, hash_of("right"))
    assert not rules.is_secret_of(with_secret, hash_of("wrong"))
    assert not rules.is_secret_of(with_secret, None)
    assert rules.is_secret_of(client(), None)


def test_player_claims() -> None:
    token_id = uuid4()
    claims = rules.player_claims(
        player(username="juno", email="j@x.example", external_account_id="e-1"),
        grant(scope="offline email offline", audience="shop", payload="cart"),
        merchant_id=15924,
        token_id=token_id,
        now=NOW,
        life=timedelta(hours=1),
    )
    issued = int(NOW.timestamp())
    assert claims == {
        "aud": ["shop"],
        "email": "j@x.example",
        "exp": issued + 3600,
        "external_account_id": "e-1",
        "groups": [{"id": 1, "name": "default", "is_default": True}],
        "iat": issued,
        "is_master": True,
        "iss": "https://login.xsolla.com",
        "jti": f"3-{token_id}",
        "payload": "cart",
        "promo_email_agreement": True,
        "publisher_id": 15924,
        "scp": ["offline", "email"],
        "sub": "d342dad2-9d59-11e9-a384-42010aa8003f",
        "type": "device",
        "username": "juno",
        "xsolla_login_project_id": str(LOGIN),
    }


def test_claims_leave_out_what_is_unknown() -> None:
    claims = rules.player_claims(player(), grant(), merchant_id=1, token_id=uuid4(), now=NOW, life=timedelta(hours=1))
    assert not {"username", "email", "payload", "external_account_id"} & claims.keys()
    assert claims["aud"] == claims["scp"] == []


def test_server_claims() -> None:
    claims = rules.server_claims(client(ClientKind.SERVER), merchant_id=15924, now=NOW)
    issued = int(NOW.timestamp())
    assert claims == {
        "client_id": 57001,
        "exp": issued + 3600,
        "iat": issued,
        "iss": "https://login.xsolla.com",
        "publisher_id": 15924,
        "xsolla_login_project_id": str(LOGIN),
    }


@given(st.integers(min_value=0, max_value=10**9 - 1), st.uuids())
def test_token_ids_hold_their_generation(generation: int, token_id: UUID) -> None:
    assert rules.generation_of(rules.jti_of(token_id, generation=generation)) == generation


@pytest.mark.parametrize(
    ("jti", "generation"),
    [
        (None, None),
        (5, None),
        ("", None),
        ("x", None),
        ("12", None),
        ("-1-x", None),
        ("1234567890-x", None),
        ("²-x", None),
        ("c0ffee00-1111-4222-8333-444455556666", None),
        ("12-", None),
        ("0-x", 0),
    ],
)
def test_other_token_ids_hold_none(jti: object, generation: int | None) -> None:
    assert rules.generation_of(jti) == generation


def test_outside_players() -> None:
    subject = str(uuid4())
    assert str(rules.outside_player_id(LOGIN, subject)) == subject
    assert rules.outside_player_id(LOGIN, "auth0|1") == rules.outside_player_id(LOGIN, "auth0|1")
    assert rules.outside_player_id(LOGIN, "auth0|1") != rules.outside_player_id(uuid4(), "auth0|1")
    # Other spellings of a uuid are other subjects.
    assert str(rules.outside_player_id(LOGIN, f"{{{subject}}}")) != subject


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"nickname": " Juno ", "name": "Ada"}, "Juno"),
        ({"nickname": "", "username": "ada"}, "ada"),
        ({"name": 5}, None),
        ({"name": "x" * 300}, "x" * 255),
        ({}, None),
    ],
)
def test_outside_names(claims: dict[str, object], name: str | None) -> None:
    assert rules.outside_name(claims) == name


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", ("x", "string")),
        (True, ("true", "boolean")),
        (7, ("7", "integer")),
        (-0.5, ("-0.5", "number")),
        (None, None),
        ([], None),
        ({}, None),
    ],
)
def test_values_as_text(value: object, text: tuple[str, str] | None) -> None:
    assert rules.text_of_value(value) == text


@pytest.mark.parametrize(
    ("value", "data_type", "fits"),
    [
        ("anything", "string", True),
        ("true", "boolean", True),
        ("True", "boolean", False),
        ("-12", "integer", True),
        ("1.5", "integer", False),
        ("٣", "integer", False),
        ("1.5e-3", "number", True),
        (".5", "number", True),
        ("1,5", "number", False),
        ("", "number", False),
    ],
)
def test_data_types(value: str, data_type: str, fits: bool) -> None:
    assert rules.fits_data_type(value, data_type) is fits
    faults = rules.check_attribute_values([("x", "string"), (value, data_type)])
    assert [fault.property for fault in faults] == ([] if fits else ["attributes.1.value"])


def test_keys_in_both_lists_survive() -> None:
    assert rules.keys_to_remove(["b", "a", "c", "a"], ["b"]) == ["a", "c"]


def test_repeated_keys() -> None:
    assert [fault.property for fault in rules.repeated_keys(["a", "b", "a", "a"])] == [
        "attributes.2.key",
        "attributes.3.key",
    ]


@pytest.mark.parametrize(
    ("birthday", "is_right"),
    [
        (date(1900, 1, 1), True),
        (date(1899, 12, 31), False),
        (date(2026, 3, 1), True),
        (date(2026, 3, 2), False),
    ],
)
def test_birthdays(birthday: date, is_right: bool) -> None:
    assert (rules.check_birthday(birthday, today=NOW.date()) == []) is is_right


@given(st.uuids())
def test_tags_have_four_digits(player_id: UUID) -> None:
    assert re.fullmatch(r"[0-9]{4}", rules.tag_of(player_id))

"""Reading tokens and keys that others have made, without a network."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from haversack.login.outside import parse_key_set
from haversack.login.records import Algorithm
from haversack.login.signing import (
    TokenMalformed,
    base64_of,
    has_valid_signature,
    hex_of,
    new_key_pair,
    private_key,
    public_key,
    read_token,
    secret_key,
    sign,
)

SECRET = secret_key(b"a secret of more than thirty-two bytes")


def test_tokens_are_read_and_checked() -> None:
    token = read_token(sign({"sub": "x"}, SECRET, Algorithm.HS256, kid=None))
    assert (token.algorithm, token.kid, token.claims) == ("HS256", None, {"sub": "x"})
    assert has_valid_signature(token, SECRET, ["HS256"])
    assert not has_valid_signature(token, SECRET, ["RS256"])
    assert not has_valid_signature(token, secret_key(b"another secret of thirty-two bytes."), ["HS256"])


def test_rsa_tokens_name_their_key() -> None:
    public, pem = new_key_pair()
    token = read_token(sign({"sub": "x"}, private_key(pem), Algorithm.RS256, kid=public.kid))
    assert (token.algorithm, token.kid) == ("RS256", public.kid)
    assert public.exponent == "10001"
    assert has_valid_signature(token, public_key(public), ["RS256"])
    assert not has_valid_signature(token, SECRET, ["RS256"])
    assert not has_valid_signature(token, public_key(new_key_pair()[0]), ["RS256"])


@given(st.one_of(st.text(max_size=60), st.from_regex(r"[A-Za-z0-9_=-]{0,20}\.[A-Za-z0-9_-]{0,20}\.[A-Za-z0-9_-]*")))
def test_other_texts_are_no_tokens(text: str) -> None:
    with pytest.raises(TokenMalformed):
        read_token(text)


@given(st.integers(min_value=1, max_value=2**2048))
def test_numbers_of_keys_keep_their_value(number: int) -> None:
    assert hex_of(base64_of(f"{number:x}")) == f"{number:x}"


def test_key_sets_are_read() -> None:
    keys = {"a": RSAKey.generate_key(2048), "b": ECKey.generate_key("P-256"), "c": OKPKey.generate_key("Ed25519")}
    entries = [{**key.as_dict(private=True), "kid": kid, "x5t": "?"} for kid, key in keys.items()]
    entries += [
        {"kty": "RSA", "kid": "no numbers"},
        {"kty": "RSA", "n": "AQAB", "e": 5, "kid": "wrong"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "a secret"},
        {**entries[0], "kid": "encryption", "use": "enc"},
    ]
    found = parse_key_set(orjson.dumps({"keys": [*entries, 5, None]}))
    assert found is not None
    assert list(found) == ["a", "b", "c"]
    assert not any(key.is_private for key in found.values() if not isinstance(key, OctKey))


def test_bare_lists_of_hexadecimal_keys_are_read() -> None:
    public, pem = new_key_pair()
    entry = {"kty": "RSA", "n": public.modulus, "e": public.exponent, "kid": public.kid, "alg": "RS256", "use": "sig"}
    found = parse_key_set(orjson.dumps([entry]))
    assert found is not None
    token = read_token(sign({}, private_key(pem), Algorithm.RS256, kid=public.kid))
    assert has_valid_signature(token, found[public.kid], ["RS256"])


@pytest.mark.parametrize("body", [b"", b"<html>", b"5", b"{}", b'{"keys":5}', b'{"keys":null}'])
def test_other_bodies_are_no_key_sets(body: bytes) -> None:
    assert parse_key_set(body) is None

"""Signatures: the documented check vector, the Standard Webhooks vector, rotation, and refusals of the verifier."""

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta

import pytest

from haversack.webhooks.event_ids import new_event_id
from haversack.webhooks.signing import (
    signed_headers,
    standard_secret,
    standard_signature,
    verify_signatures,
    wire_signature,
)

NOW = datetime(2026, 3, 1, 12, 0, 0, 987654, tzinfo=UTC)
BODY = (
    b'{"notification_type":"user_validation","settings":{"project_id":308077,"merchant_id":887981},'
    b'"user":{"ip":"8.29.109.241","email":"webhook-e2e@example.com","id":"a1b2c3d4-0000-4000-8000-019fb6caa51e",'
    b'"country":"US","zip":"10001"}}'
)


def lowered(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def test_the_documented_check_vector() -> None:
    assert wire_signature(BODY, "secret") == "b048a1f995f00006ced1d124054b4ecb3522f437"


@pytest.mark.parametrize("body", ["{}", '{"a":"ü語"}', '{"b":1,"a":2}', "{}\n", ""])
def test_the_wire_signature_is_of_the_very_bytes(body: str) -> None:
    found = signed_headers(body.encode(), ["s\u00e9cret"], event_id="evt_1", now=NOW)["Authorization"]
    assert re.fullmatch(r"Signature ([0-9a-f]{40})", found)
    assert found[10:] == hashlib.sha1((body + "s\u00e9cret").encode()).hexdigest()


def test_the_vector_of_standard_webhooks() -> None:
    # From the specification's reference libraries.
    found = standard_signature(
        b'{"test": 2432232314}',
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        event_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
    )
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_library_gets_the_same_key_from_the_written_secret() -> None:
    written = standard_secret("my text secret")
    assert written.startswith("whsec_")
    key = b64decode(written.removeprefix("whsec_"))
    wanted = b64encode(hmac.digest(key, b"evt_1.1772366400." + BODY, "sha256")).decode()
    assert signed_headers(BODY, ["my text secret"], event_id="evt_1", now=NOW)["webhook-signature"] == f"v1,{wanted}"


def test_a_secret_in_standard_form_stays_as_it_is() -> None:
    secret = "whsec_" + b64encode(b"k" * 24).decode()
    assert standard_secret(secret) == secret
    assert standard_secret("whsec_not base64!") == "whsec_" + b64encode(b"whsec_not base64!").decode()


def test_headers_of_one_webhook() -> None:
    headers = signed_headers(BODY, ["new", "old"], event_id="evt_1", now=NOW)
    assert headers["webhook-id"] == "evt_1"
    assert headers["webhook-timestamp"] == "1772366400"
    assert headers["Content-Type"] == headers["Accept"] == "application/json"
    assert len(headers["webhook-signature"].split()) == 2
    assert headers["Authorization"] == f"Signature {wire_signature(BODY, 'new')}"


@pytest.mark.parametrize("secret", ["new", "old"])
def test_during_a_rotation_both_secrets_verify(secret: str) -> None:
    headers = lowered(signed_headers(BODY, ["new", "old"], event_id="evt_1", now=NOW))
    assert verify_signatures(BODY, headers, secret, now=NOW).standard is None


def test_ids_have_no_dot_and_grow() -> None:
    ids = [new_event_id() for _ in range(100)]
    assert len(set(ids)) == 100
    assert all(re.fullmatch(r"evt_[0-9a-f]{32}", each) for each in ids)
    assert [each[:16] for each in ids] == sorted(each[:16] for each in ids)


def test_the_verifier_accepts_what_was_signed() -> None:
    headers = lowered(signed_headers(BODY, ["secret"], event_id="evt_1", now=NOW))
    assert verify_signatures(BODY, headers, "secret", now=NOW).is_genuine


@pytest.mark.parametrize("away", [timedelta(minutes=5, seconds=2), -timedelta(minutes=5, seconds=2)])
def test_the_verifier_refuses_stale_timestamps(away: timedelta) -> None:
    headers = lowered(signed_headers(BODY, ["secret"], event_id="evt_1", now=NOW))
    verdict = verify_signatures(BODY, headers, "secret", now=NOW + away)
    assert verdict.wire is None
    assert verdict.standard is not None and "five minutes" in verdict.standard


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "evt_2"},
        {"webhook-timestamp": "1772366401"},
        {"webhook-timestamp": "now"},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "v1,\u00e4"},
        {"webhook-signature": ""},
        {"authorization": "Signature " + "0" * 40},
        {"authorization": "Signature \u00e4"},
        {"authorization": ""},
    ],
)
def test_the_verifier_refuses_every_change(change: dict[str, str]) -> None:
    headers = lowered(signed_headers(BODY, ["secret"], event_id="evt_1", now=NOW)) | change
    assert not verify_signatures(BODY, headers, "secret", now=NOW).is_genuine


def test_the_verifier_refuses_another_body_and_another_secret() -> None:
    headers = lowered(signed_headers(BODY, ["secret"], event_id="evt_1", now=NOW))
    for verdict in (
        verify_signatures(BODY + b"\n", headers, "secret", now=NOW),
        verify_signatures(BODY, headers, "secre", now=NOW),
        verify_signatures(BODY, {}, "secret", now=NOW),
    ):
        assert verdict.wire is not None
        assert verdict.standard is not None

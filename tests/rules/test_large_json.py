"""Large JSON files are read part by part, and hold what they hold when they are read whole."""

import asyncio
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haversack.catalog.transfer import large_json
from haversack.catalog.transfer.large_json import BYTE_ORDER_MARK, WHOLE_BYTES_MAX, read_json

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
FILLING = b'{"filling":"' + b"x" * WHOLE_BYTES_MAX + b'",'


def _read(raw: bytes) -> Any:
    return asyncio.run(read_json(raw))


@given(st.dictionaries(st.text(), values, max_size=5), st.sampled_from([b"", BYTE_ORDER_MARK]), st.booleans())
def test_a_large_file_holds_the_same(content: dict[str, Any], mark: bytes, is_indented: bool) -> None:
    small = orjson.dumps(content, option=orjson.OPT_INDENT_2 if is_indented else None)
    large = FILLING + small.lstrip(b"{") if content else FILLING[:-1] + b"}"
    assert len(large) > WHOLE_BYTES_MAX
    assert _read(mark + large) == orjson.loads(large)
    assert _read(mark + small) == orjson.loads(small)


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b"}",
        b'"a":1',
        b'"a":1}}',
        b'"a":1} x',
        b'"a" 1}',
        b'"a":}',
        b'"a":[1,2}',
        b'"a":[1,,2]}',
        b'"a":[1,]}',
        b'"a":[1',
        b'"a":NaN}',
        b'"a":[Infinity]}',
        b'"a":"\\ud800"}',
        b'"a":"\n"}',
        b"a:1}",
        b'"a":"\xff"}',
        b'"a":[' + b"[" * 5000 + b"]" * 5000 + b"]}",
    ],
)
def test_a_large_file_that_is_not_valid(rest: bytes) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(FILLING + rest)
    with pytest.raises(orjson.JSONDecodeError):
        _read(FILLING + rest)


@pytest.mark.parametrize("raw", [b"[" + b"1," * WHOLE_BYTES_MAX + b"1]", b'"' + b"x" * WHOLE_BYTES_MAX + b'"'])
def test_a_large_file_that_is_no_object(raw: bytes) -> None:
    assert _read(raw) == orjson.loads(raw)


async def test_others_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("haversack.turns.SLICE_SECONDS", 0.0)
    raw = orjson.dumps({"items": [{"sku": "x" * 100, "number": number} for number in range(5_000)]})
    assert len(raw) > WHOLE_BYTES_MAX
    reading = asyncio.ensure_future(large_json.read_json(raw))
    turns = 0
    while not reading.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 4_000
    assert (await reading)["items"][4_999]["number"] == 4_999

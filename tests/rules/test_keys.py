"""What a line of an upload holds, what is told of skipped lines, and which code may be redeemed."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haversack.catalog.keys import rules
from haversack.catalog.keys.code_files import CodeFile
from haversack.catalog.keys.records import CodeState, FoundCode, KeyStock
from haversack.catalog.records import PreOrder
from haversack.errors import DRM_NOT_FREE, GAME_CODE_NOT_FOUND, GAME_CODE_USED, GAME_IN_PRE_ORDER, ErrorKind, Refusal
from haversack.sealing import Sealer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SEALER = Sealer("a key for tests that is long enough")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"ABCD-EFGH\n", "ABCD-EFGH"),
        (b"  ABCD-EFGH \t\r\n", "ABCD-EFGH"),
        (b'"ABCD-EFGH"\r\n', "ABCD-EFGH"),
        (b'"AB""CD"', 'AB"CD'),
        (b'"', '"'),
        ("Schlüssel".encode(), "Schlüssel"),
        (b"A" * 255, "A" * 255),
        (b"A" * 256, None),
        (b'""', None),
        (b"AB CD", None),
        (b"AB\tCD", None),
        (b"AB\x00CD", None),
        (b"AB\x7fCD", None),
        (b"AB\xffCD", None),
        ("AB\u200bCD".encode(), None),
    ],
)
def test_code_of(line: bytes, code: str | None) -> None:
    assert rules.code_of(line) == code


@given(st.binary(max_size=3000))
def test_code_of_never_gives_what_cannot_be_a_code(line: bytes) -> None:
    code = rules.code_of(line)
    assert code is None or (1 <= len(code) <= 255 and code.isprintable() and len(code.split()) == 1)


@pytest.mark.parametrize(
    ("available", "total", "level"),
    [(0, 0, 0), (0, 8, 0), (1, 8, 25), (2, 8, 25), (3, 8, None), (1, 10, 10), (100, 1000, 10), (101, 1000, 25)],
)
def test_stock_level(available: int, total: int, level: int | None) -> None:
    stock = KeyStock(project_id=1, item_id=1, sku="opera_steam", available=available, total=total)
    assert rules.stock_level(stock) == level


def test_upload_remark() -> None:
    assert rules.upload_remark([], bad_count=0, known_count=0) is None
    assert rules.upload_remark([], bad_count=0, known_count=2) == "2 codes known already."
    one = rules.upload_remark([7], bad_count=1, known_count=1)
    assert one is not None and one.startswith("1 line without a code") and one.endswith(": 7. 1 code known already.")
    many = rules.upload_remark(range(1, 21), bad_count=25, known_count=0)
    assert many is not None and many.endswith("19, 20 and 5 more.")


def test_code_hash_differs_by_project_and_key() -> None:
    hashes = {
        rules.code_hash(code, key=key, project_id=project)
        for code in ("A", "a")
        for key in (b"1", b"2")
        for project in (1, 2)
    }
    assert len(hashes) == 8
    assert rules.code_hash("A", key=b"1", project_id=1) in hashes


def _found(state: CodeState, drm: str = "drmfree", *, item: int = 1, pre_order: PreOrder | None = None) -> FoundCode:
    return FoundCode(item * 10, item, state, drm, pre_order, f"game{item}")


AHEAD = PreOrder(NOW + timedelta(seconds=1), is_enabled=True)
UNANNOUNCED = PreOrder(None, is_enabled=True)
OUT = PreOrder(NOW, is_enabled=True)
OFF = PreOrder(NOW + timedelta(days=1), is_enabled=False)


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        ([], GAME_CODE_NOT_FOUND),
        ([_found(CodeState.DELETED)], GAME_CODE_NOT_FOUND),
        ([_found(CodeState.AVAILABLE, "steam")], DRM_NOT_FREE),
        ([_found(CodeState.USED)], GAME_CODE_USED),
        ([_found(CodeState.RESERVED)], GAME_CODE_USED),
        ([_found(CodeState.USED), _found(CodeState.AVAILABLE, "steam", item=2)], GAME_CODE_USED),
        ([_found(CodeState.AVAILABLE, pre_order=AHEAD)], GAME_IN_PRE_ORDER),
        ([_found(CodeState.AVAILABLE, pre_order=UNANNOUNCED)], GAME_IN_PRE_ORDER),
    ],
)
def test_redeemable_code_refuses(found: list[FoundCode], kind: ErrorKind) -> None:
    with pytest.raises(Refusal) as refused:
        rules.redeemable_code(found, NOW)
    assert refused.value.kind is kind


@pytest.mark.parametrize(
    "found",
    [
        [_found(CodeState.AVAILABLE)],
        [_found(CodeState.REQUESTED)],
        [_found(CodeState.AVAILABLE, pre_order=OUT)],
        [_found(CodeState.AVAILABLE, pre_order=OFF)],
        [_found(CodeState.USED, item=2), _found(CodeState.AVAILABLE)],
        [_found(CodeState.AVAILABLE, "steam", item=2), _found(CodeState.AVAILABLE)],
        [_found(CodeState.AVAILABLE, item=2, pre_order=AHEAD), _found(CodeState.AVAILABLE)],
    ],
)
def test_redeemable_code(found: list[FoundCode]) -> None:
    assert rules.redeemable_code(found, NOW).item_id == 1


def test_a_file_is_read_in_slices() -> None:
    long = b"L" * 5000
    file = io.BytesIO(b"\xef\xbb\xbfONE\r\n\r\n   \nTWO\nONE\n" + long + b"\nTHREE\nB AD\n" + long)
    codes = CodeFile(file)
    assert codes.count_lines() == 7
    slices = []
    while (part := codes.read_slice(SEALER, 1, lines_max=3)) is not None:
        opened = [SEALER.open_text(sealed) for sealed in part.codes.sealed]
        slices.append((part.line_count, opened, part.bad_lines, part.repeat_count))
    assert slices == [
        (3, ["ONE", "TWO"], (), 1),
        (3, ["THREE"], (6, 8), 0),
        (1, [], (9,), 0),
    ]


@given(st.lists(st.sampled_from([b"A", b"B", b"", b"two words", b" C "])), st.integers(1, 4))
def test_slices_add_up_to_the_lines(lines: list[bytes], lines_max: int) -> None:
    codes = CodeFile(io.BytesIO(b"\n".join(lines)))
    total = codes.count_lines()
    counted = 0
    while (part := codes.read_slice(SEALER, 1, lines_max=lines_max)) is not None:
        counted += len(part.codes.hashes) + part.repeat_count + part.bad_count
    assert counted == total == sum(1 for line in lines if line.strip())

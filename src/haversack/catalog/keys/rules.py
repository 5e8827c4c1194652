"""What a line of an upload holds, and which of the codes that somebody knows can be redeemed. Pure."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta

from haversack.catalog.keys.records import REDEEMABLE, CodeState, FoundCode, KeyStock
from haversack.catalog.read_model.rules import is_before_release
from haversack.errors import DRM_NOT_FREE, GAME_CODE_NOT_FOUND, GAME_CODE_USED, GAME_IN_PRE_ORDER

CODE_LENGTH_MAX = 255
# A longer line holds no code, whatever its characters and blanks: it need not be read whole.
LINE_BYTES_MAX = 2048
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
BAD_LINES_NAMED_MAX = 20
DRM_FREE = "drmfree"

# At so many percent of its codes the owner of a key is told.
STOCK_LEVELS = (0, 10, 25)

# Guessing codes: so many attempts of a player, then a rest. A code that fits begins the count anew.
REDEEM_ATTEMPTS_MAX = 10
REDEEM_WINDOW = timedelta(minutes=15)


def stock_level(stock: KeyStock) -> int | None:
    """The lowest percentage of `STOCK_LEVELS` that the codes of a key have fallen to; None above all of them."""
    return next((level for level in STOCK_LEVELS if stock.available * 100 <= stock.total * level), None)


def code_of(line: bytes) -> str | None:
    """The code that a line of a TXT or CSV file holds; None where it holds none.

    Blanks around it and the quotes of CSV fall away. A code has no blanks inside: codes are given out in lists that
    are separated by them.
    """
    try:
        text = line.decode().strip()
    except UnicodeDecodeError:
        return None
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1].replace('""', '"').strip()
    if not 1 <= len(text) <= CODE_LENGTH_MAX or " " in text or not text.isprintable():
        return None
    return text


def code_hash(code: str, *, key: bytes, project_id: int) -> bytes:
    """What a code is told apart by without being read: different in each project, unknown without the key."""
    return hmac.digest(key, f"game key/{project_id}/{code}".encode(), "sha256")


def attempts_subject(project_id: int, player_id: object) -> bytes:
    """Under which name a player's attempts at codes are counted."""
    return hashlib.sha256(f"redeem/{project_id}/{player_id}".encode()).digest()


def upload_remark(bad_lines: Sequence[int], *, bad_count: int, known_count: int) -> str | None:
    """What is told of the lines that an upload skipped; None where it took all. Never a code itself."""
    parts = []
    if bad_count:
        named = ", ".join(map(str, bad_lines[:BAD_LINES_NAMED_MAX]))
        more = f" and {bad_count - BAD_LINES_NAMED_MAX} more" if bad_count > BAD_LINES_NAMED_MAX else ""
        parts.append(
            f"{_count(bad_count, 'line')} without a code (1 to {CODE_LENGTH_MAX} printable characters in UTF-8, "
            f"no blanks): {named}{more}."
        )
    if known_count:
        parts.append(f"{_count(known_count, 'code')} known already.")
    return " ".join(parts) or None


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def redeemable_code(found: Sequence[FoundCode], now: datetime) -> FoundCode:
    """Which of the codes with one text a player may redeem, or the reason why none.

    One text may be a code of several keys. Those of other platforms are redeemed there.
    """
    known = [code for code in found if code.state is not CodeState.DELETED]
    if not known:
        raise GAME_CODE_NOT_FOUND()
    free = [code for code in known if code.drm_sku == DRM_FREE]
    if not free:
        raise DRM_NOT_FREE()
    unused = [code for code in free if code.state in REDEEMABLE]
    if not unused:
        raise GAME_CODE_USED()
    out = [code for code in unused if not is_before_release(code.pre_order, now)]
    if not out:
        raise GAME_IN_PRE_ORDER(sku=unused[0].game_sku)
    return out[0]

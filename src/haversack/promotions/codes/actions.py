"""What a studio does with codes: adds one, has many made."""

import secrets
from collections.abc import Iterator

from haversack.database.engine import Session
from haversack.errors import CODE_EXISTS, ErrorKind
from haversack.http.calls import AdminCall
from haversack.promotions.codes import queries
from haversack.promotions.codes.rules import GENERATED_LENGTH, codes_of
from haversack.promotions.queries import share_by_external_id
from haversack.promotions.records import Promotion, PromotionKind

# Codes are made and sent in slices, so that a call of a hundred thousand holds neither memory nor the process.
SLICE = 1_000
# That random codes of 65 bits are there already, twice in a row, is a broken source of randomness.
TRIES_MAX = 3


async def add_code(call: AdminCall, kind: PromotionKind, external_id: str, code: str, *, missing: ErrorKind) -> None:
    """Add a code to a promotion of a kind, or `missing`; CODE_EXISTS where a promotion of the project has it."""
    async with call.db.begin():
        promotion = await _share(call.db, call.project_id, kind, external_id, missing)
        if not await queries.add_code(call.db, call.project_id, promotion.promotion_id, code, now=call.now):
            raise CODE_EXISTS()


async def generate_codes(
    call: AdminCall, kind: PromotionKind, external_id: str, count: int, *, missing: ErrorKind
) -> None:
    """Add so many random codes to a promotion of a kind, or `missing`."""
    async with call.db.begin():
        promotion = await _share(call.db, call.project_id, kind, external_id, missing)
        for _ in range(TRIES_MAX):
            if await queries.copy_codes(
                call.db, call.project_id, promotion.promotion_id, random_codes(count), now=call.now
            ):
                return
    raise AssertionError("random codes were there already, again and again")


def random_codes(count: int) -> Iterator[str]:
    """So many random codes, in slices of randomness."""
    for made in range(0, count, SLICE):
        yield from codes_of(secrets.token_bytes(min(SLICE, count - made) * GENERATED_LENGTH))


async def _share(db: Session, project_id: int, kind: PromotionKind, external_id: str, missing: ErrorKind) -> Promotion:
    """The promotion, which cannot be deleted before the transaction ends: a code must not outlive it."""
    promotion = await share_by_external_id(db, project_id, kind, external_id)
    if promotion is None:
        raise missing()
    return promotion

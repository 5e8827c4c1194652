"""What is read of uses before prices are made, how they are counted, settled and given back."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import bindparam, insert

from haversack.catalog.read_model.queries import Knowing, list_players, unpacked_standing
from haversack.catalog.read_model.records import Standing
from haversack.catalog.records import Schedule
from haversack.clock import real_now
from haversack.database.engine import Session
from haversack.limits.records import Uses
from haversack.login.identities import PlayerIdentity
from haversack.login.tables import player_attributes
from haversack.personalization.attributes import read_attributes, read_attributes_together
from haversack.promotions.queries import delete_promotion
from haversack.promotions.records import NO_CODES, Codes, Promotion, PromotionKind, PromotionLimits
from haversack.promotions.use_queries import find_total, read_codes, reset_promotion
from haversack.promotions.uses import (
    TakenUse,
    Use,
    UsesExhausted,
    settle_uses,
)
from make.client_catalog import new_player
from make.inventory import differences_of
from make.projects import Studio
from make.promotions import save_promotion
from make.uses import give_back_uses, take_uses

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAILY = Schedule("daily", "00:00:00+00:00")
ADD_ATTRIBUTE = insert(player_attributes).values(
    login_project_id=bindparam("login"),
    player_id=bindparam("player"),
    project_id=bindparam("project"),
    attr_type=bindparam("of_type"),
    key=bindparam("of_key"),
    value=bindparam("new_value"),
    permission="private",
    data_type="string",
    changed_at=bindparam("now"),
)


async def _player(studio: Studio) -> PlayerIdentity:
    player_id, _ = await new_player(studio)
    return PlayerIdentity(studio.login_project_id, player_id, real_now() + timedelta(days=1))


async def _take(
    studio: Studio, player: PlayerIdentity, *uses: Use, now: datetime = NOON, is_final: bool = False
) -> tuple[TakenUse, ...]:
    db = studio.context.database.session()
    async with db.begin():
        return await take_uses(
            db,
            studio.project_id,
            player.player_id,
            uses,
            source=f"test:{uuid4().hex}",
            now=now,
            is_final=is_final,
        )


async def _give_back(studio: Studio, player: PlayerIdentity, taken: tuple[TakenUse, ...]) -> None:
    db = studio.context.database.session()
    async with db.begin():
        await give_back_uses(db, studio.project_id, player.player_id, taken, source=f"test:{uuid4().hex}", now=NOON)


def _session(studio: Studio) -> Session:
    return studio.context.database.session()


async def _standing(studio: Studio, player: PlayerIdentity) -> Standing:
    """What catalogs, carts and orders read of a player."""
    knowing = Knowing(studio.project_id, studio.login_project_id)
    packed = await list_players(_session(studio), knowing, [player.player_id])
    return unpacked_standing(packed[player.player_id])


async def _opened(studio: Studio, *codes: str) -> Codes:
    return await read_codes(_session(studio), studio.project_id, codes)


async def test_what_is_read_of_codes(studio: Studio, other_studio: Studio) -> None:
    promo_code = await save_promotion(studio, PromotionKind.PROMO_CODE, "SUMMER")
    await save_promotion(other_studio, PromotionKind.PROMO_CODE, "FOREIGN")
    found = await _opened(studio, "SUMMER", "WINTER", "FOREIGN")
    assert found == Codes({promo_code.promotion_id: "SUMMER"}, {promo_code.promotion_id: 0})
    for _ in range(2):
        await _take(studio, await _player(studio), Use(promo_code, "SUMMER"))
    assert (await _opened(studio, "SUMMER")).totals == {promo_code.promotion_id: 2}
    assert await _opened(studio) == NO_CODES


async def test_what_is_read_of_a_player(studio: Studio, other_studio: Studio) -> None:
    player = await _player(studio)
    limits = PromotionLimits(per_user=3, total=10)
    promo_code = await save_promotion(studio, PromotionKind.PROMO_CODE, "SUMMER", limits=limits)
    db = _session(studio)
    for project_id, of_type, key, value in (
        (0, "client", "level", "1"),
        (studio.project_id, "client", "level", "2"),
        (studio.project_id, "server", "level", "3"),
        (0, "client", "guild", "Owls"),
        (other_studio.project_id, "client", "guild", "Ravens"),
    ):
        await db.execute(
            ADD_ATTRIBUTE,
            login=player.login_project_id,
            player=player.player_id,
            project=project_id,
            of_type=of_type,
            of_key=key,
            new_value=value,
            now=NOON,
        )
    await _take(studio, player, Use(promo_code, "SUMMER"))
    await _take(studio, await _player(studio), Use(promo_code, "SUMMER"))
    standing = await _standing(studio, player)
    # What the studio has written counts before what the player can write.
    assert standing.attributes == {"level": "3", "guild": "Owls"}
    assert {each: found.uses for each, found in standing.promotions.items()} == {
        promo_code.promotion_id: Uses(datetime(1970, 1, 1, tzinfo=UTC), 1)
    }
    # Chains ask for attributes alone.
    assert await read_attributes(db, studio.project_id, player) == standing.attributes
    assert await read_attributes_together(db.database, studio.project_id, player) == standing.attributes
    guest = PlayerIdentity(player.login_project_id, uuid4(), player.expires_at, is_guest=True)
    assert await read_attributes(db, studio.project_id, guest) == {}
    assert await read_attributes_together(db.database, studio.project_id, guest) == {}


async def test_what_is_read_of_a_code_that_is_used_up(studio: Studio) -> None:
    player = await _player(studio)
    promo_code = await save_promotion(
        studio, PromotionKind.PROMO_CODE, "ONCE", "TWICE", limits=PromotionLimits(per_code=1)
    )
    taken = await _take(studio, player, Use(promo_code, "ONCE"))
    assert (await _opened(studio, "ONCE")).promotion_ids == set()
    assert (await _opened(studio, "TWICE")).promotion_ids == {promo_code.promotion_id}
    await _give_back(studio, player, taken)
    assert (await _opened(studio, "ONCE")).promotion_ids == {promo_code.promotion_id}


@pytest.mark.parametrize(
    ("limits", "word"),
    [
        (PromotionLimits(per_user=1), "coupon"),
        (PromotionLimits(per_code=1), "coupon"),
        (PromotionLimits(total=1), "coupon"),
    ],
)
async def test_take_uses_up_to_each_limit(studio: Studio, limits: PromotionLimits, word: str) -> None:
    player = await _player(studio)
    coupon = await save_promotion(studio, PromotionKind.COUPON, "GIFT", limits=limits)
    await _take(studio, player, Use(coupon, "GIFT"), is_final=True)
    with pytest.raises(UsesExhausted, match=word):
        await _take(studio, player, Use(coupon, "GIFT"), is_final=True)
    # Nothing of a refused use stays.
    assert await find_total(_session(studio), studio.project_id, coupon.promotion_id) == (1, 0)
    assert not await differences_of(studio)


async def test_take_uses_of_a_code_that_is_not_its_own(studio: Studio) -> None:
    player = await _player(studio)
    coupon = await save_promotion(studio, PromotionKind.COUPON, "GIFT")
    other = await save_promotion(studio, PromotionKind.COUPON, "OTHER")
    with pytest.raises(UsesExhausted):
        await _take(studio, player, Use(coupon, "OTHER"))
    assert await find_total(_session(studio), studio.project_id, other.promotion_id) == (0, 0)


async def test_take_uses_of_what_has_no_limit_counts_nothing(studio: Studio) -> None:
    free = await save_promotion(studio, PromotionKind.DISCOUNT)
    assert await _take(studio, await _player(studio), Use(free)) == ()


async def test_take_uses_in_windows(studio: Studio) -> None:
    player = await _player(studio)
    limits = PromotionLimits(per_user=1, schedule=DAILY)
    daily = await save_promotion(studio, PromotionKind.DISCOUNT, limits=limits)
    (first,) = await _take(studio, player, Use(daily))
    assert first.window_start == NOON.replace(hour=0)
    with pytest.raises(UsesExhausted):
        await _take(studio, player, Use(daily))
    (second,) = await _take(studio, player, Use(daily), now=NOON + timedelta(days=1))
    assert second.window_start == NOON.replace(day=2, hour=0)
    # The use of another window is not given back.
    await _give_back(studio, player, (first,))
    with pytest.raises(UsesExhausted):
        await _take(studio, player, Use(daily), now=NOON + timedelta(days=1))
    await _give_back(studio, player, (second,))
    await _take(studio, player, Use(daily), now=NOON + timedelta(days=1))
    assert not await differences_of(studio)


async def test_take_uses_after_a_reset_for_everybody(studio: Studio) -> None:
    player = await _player(studio)
    once = await save_promotion(studio, PromotionKind.BONUS, limits=PromotionLimits(per_user=1))
    await _take(studio, player, Use(once))
    await reset_promotion(_session(studio), studio.project_id, once.promotion_id, now=NOON + timedelta(hours=1))
    # The clock may stand before it.
    with pytest.raises(UsesExhausted):
        await _take(studio, player, Use(once))
    (taken,) = await _take(studio, player, Use(once), now=NOON + timedelta(hours=2))
    assert taken.window_start == NOON + timedelta(hours=1)
    assert not await differences_of(studio)


async def test_give_back_uses_and_settle_uses(studio: Studio) -> None:
    player = await _player(studio)
    promo_code = await save_promotion(
        studio, PromotionKind.PROMO_CODE, "SUMMER", limits=PromotionLimits(per_user=5, total=5, per_code=5)
    )
    limited = await save_promotion(studio, PromotionKind.DISCOUNT, limits=PromotionLimits(per_user=5))
    db = _session(studio)

    async def counts(promotion: Promotion) -> tuple[int, int]:
        return await find_total(db, studio.project_id, promotion.promotion_id)

    paid = await _take(studio, player, Use(limited), Use(promo_code, "SUMMER"))
    unpaid = await _take(studio, player, Use(promo_code, "SUMMER"), Use(limited))
    assert [TakenUse.of(each.form()) for each in unpaid] == list(unpaid)
    assert await counts(promo_code) == (0, 2)
    async with db.begin():
        await settle_uses(db, studio.project_id, paid)
    assert await counts(promo_code) == (1, 1)
    await _give_back(studio, player, unpaid)
    assert await counts(promo_code) == (1, 0)
    standing = await _standing(studio, player)
    assert {promotion_id: found.uses.used for promotion_id, found in standing.promotions.items()} == {
        promo_code.promotion_id: 1,
        limited.promotion_id: 1,
    }
    assert not await differences_of(studio)


async def test_give_back_uses_of_what_is_deleted(studio: Studio) -> None:
    player = await _player(studio)
    promo_code = await save_promotion(studio, PromotionKind.PROMO_CODE, "SUMMER")
    taken = await _take(studio, player, Use(promo_code, "SUMMER"))
    db = _session(studio)
    async with db.begin():
        await delete_promotion(db, studio.project_id, promo_code.promotion_id, now=NOON)
    other = await save_promotion(studio, PromotionKind.PROMO_CODE, "SUMMER")
    await _give_back(studio, player, taken)
    assert await find_total(db, studio.project_id, other.promotion_id) == (0, 0)
    assert not await differences_of(studio)

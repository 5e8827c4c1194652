"""Makes promotions: bodies of each kind and version, the calls that send them, and promotions with codes."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import bindparam, insert

from haversack.catalog.versions import CATALOG_CHANGED, HERE, raise_version
from haversack.clock import real_now
from haversack.promotions.queries import add_promotion, find_promotion
from haversack.promotions.records import (
    BonusItems,
    Condition,
    HasCode,
    Promotion,
    PromotionKind,
    PromotionLimits,
    Reward,
)
from haversack.promotions.tables import promotion_codes
from make.projects import Studio

ADD_CODE = insert(promotion_codes).values(
    project_id=bindparam("project"),
    promotion_id=bindparam("promotion"),
    code=bindparam("of_code"),
    created_at=bindparam("now"),
)


def discount(*skus: str, **changes: Any) -> dict[str, Any]:
    """A body of a discount of 10 %, without dates; it fits both versions."""
    body = {"name": {"en-US": "Summer sale"}, "discount": {"percent": "10.00"}}
    return {**body, "items": [{"sku": sku} for sku in skus] or None, **changes}


def bonus(*skus: str, **changes: Any) -> dict[str, Any]:
    """A body of a bonus with any purchase, without dates; it fits both versions."""
    body = {"name": {"en-US": "A present"}, "condition": None}
    return {**body, "bonus": [{"sku": sku, "quantity": 2} for sku in skus], **changes}


def promotion_path(studio: Studio, rest: str = "", *, version: str = "v2") -> str:
    """Where the studio's calls on promotions are."""
    return f"/api/{version}/project/{studio.project_id}/admin/promotion{rest}"


async def post_promotion(
    client: httpx.AsyncClient, studio: Studio, kind: str, body: Mapping[str, Any], *, version: str = "v2"
) -> httpx.Response:
    """Send a create call as the studio; kind: item or bonus."""
    return await client.post(promotion_path(studio, f"/{kind}", version=version), json=body, auth=studio.basic)


async def make_promotion(
    client: httpx.AsyncClient, studio: Studio, kind: str, body: Mapping[str, Any], *, version: str = "v2"
) -> int:
    """Make a discount (item) or bonus through the API and return its id."""
    reply = await post_promotion(client, studio, kind, body, version=version)
    assert reply.status_code == 201, reply.text
    promotion_id: int = reply.json()["promotion_id"]
    return promotion_id


async def get_promotion(
    client: httpx.AsyncClient, studio: Studio, kind: str, promotion_id: int, *, version: str = "v2"
) -> dict[str, Any]:
    """What the studio reads of a discount (item) or bonus."""
    path = promotion_path(studio, f"/{promotion_id}/{kind}", version=version)
    reply = await client.get(path, auth=studio.basic)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def save_promotion(
    studio: Studio,
    kind: PromotionKind,
    *codes: str,
    limits: PromotionLimits | None = None,
    rewards: tuple[Reward, ...] = (),
    conditions: tuple[Condition, ...] = (),
    external_id: str | None = None,
    is_enabled: bool = True,
) -> Promotion:
    """A promotion with its codes, straight into the project. The next reader of the catalog sees it."""
    now, db = real_now(), studio.context.database.session()
    promotion = Promotion(
        project_id=studio.project_id,
        promotion_id=0,
        kind=kind,
        external_id=external_id or (f"offer-{uuid4().hex[:8]}" if kind.has_codes else None),
        name={"en-US": "Welcome"},
        is_enabled=is_enabled,
        conditions=(HasCode(), *conditions) if kind.has_codes else conditions,
        rewards=rewards or (BonusItems(()),),
        limits=limits or PromotionLimits(),
        created_at=now,
        updated_at=now,
    )
    async with db.begin():
        promotion_id = await add_promotion(db, promotion, now=now)
        for code in codes:
            await db.execute(ADD_CODE, project=studio.project_id, promotion=promotion_id, of_code=code, now=now)
        version = await raise_version(db, studio.project_id)
    # As after a call of the studio: readers in this process wait for it.
    studio.context.notifications.publish_locally(CATALOG_CHANGED, f"{studio.project_id}:{version}:{HERE}")
    found = await find_promotion(db, studio.project_id, promotion_id)
    assert found is not None
    return found

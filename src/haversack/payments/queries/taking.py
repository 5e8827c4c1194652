"""Reads and writes of how a project takes money: its providers with their sealed settings, its taxes."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from haversack.database.engine import Session
from haversack.payments.records import TaxRate
from haversack.payments.rules import NO_TAX
from haversack.payments.tables import payment_providers, tax_rates
from haversack.sealing import Sealer

LIST_PROVIDERS = (
    select(payment_providers)
    .where(payment_providers.c.project_id == bindparam("project"))
    .order_by(payment_providers.c.provider)
)
_add_provider = insert(payment_providers).values(
    project_id=bindparam("project"),
    provider=bindparam("by"),
    is_enabled=bindparam("enabled"),
    settings_sealed=bindparam("sealed"),
    changed_at=bindparam("now"),
)
SAVE_PROVIDER = _add_provider.on_conflict_do_update(
    index_elements=["project_id", "provider"],
    set_={name: _add_provider.excluded[name] for name in ("is_enabled", "settings_sealed", "changed_at")},
)
DELETE_PROVIDER = delete(payment_providers).where(
    payment_providers.c.project_id == bindparam("project"), payment_providers.c.provider == bindparam("by")
)

FIND_TAX = select(tax_rates).where(
    tax_rates.c.project_id == bindparam("project"), tax_rates.c.country == bindparam("land")
)
LIST_TAXES = select(tax_rates).where(tax_rates.c.project_id == bindparam("project")).order_by(tax_rates.c.country)
_add_tax = insert(tax_rates).values(
    project_id=bindparam("project"), country=bindparam("land"), name=bindparam("called"), percent=bindparam("part")
)
SAVE_TAX = _add_tax.on_conflict_do_update(
    index_elements=["project_id", "country"],
    set_={"name": _add_tax.excluded.name, "percent": _add_tax.excluded.percent},
)
DELETE_TAX = delete(tax_rates).where(
    tax_rates.c.project_id == bindparam("project"), tax_rates.c.country == bindparam("land")
)


async def list_providers(db: Session, sealer: Sealer, project_id: int) -> list[tuple[str, bool, dict[str, Any]]]:
    """How a project takes money: names, whether they are on, their settings with the secrets in them."""
    rows = await db.fetch_all(LIST_PROVIDERS, project=project_id)
    return [(row["provider"], row["is_enabled"], orjson.loads(sealer.open(row["settings_sealed"]))) for row in rows]


async def save_provider(
    db: Session,
    sealer: Sealer,
    *,
    project_id: int,
    provider: str,
    is_enabled: bool,
    settings: dict[str, Any],
    now: datetime,
) -> None:
    """Set how a project takes money."""
    await db.execute(
        SAVE_PROVIDER,
        project=project_id,
        by=provider,
        enabled=is_enabled,
        sealed=sealer.seal(orjson.dumps(settings)),
        now=now,
    )


async def delete_provider(db: Session, project_id: int, provider: str) -> bool:
    """Forget a provider's settings; False where there were none."""
    return bool(await db.execute(DELETE_PROVIDER, project=project_id, by=provider))


async def find_tax(db: Session, project_id: int, country: str | None) -> TaxRate:
    """The tax for a country; none where the project has set none."""
    row = None if country is None else await db.fetch_one(FIND_TAX, project=project_id, land=country)
    if row is None:
        return TaxRate(country=country or "", name=NO_TAX, percent=Decimal(0))
    return TaxRate(country=row["country"], name=row["name"], percent=row["percent"])


async def list_taxes(db: Session, project_id: int) -> list[TaxRate]:
    """The taxes of a project by country."""
    rows = await db.fetch_all(LIST_TAXES, project=project_id)
    return [TaxRate(country=row["country"], name=row["name"], percent=row["percent"]) for row in rows]


async def save_tax(db: Session, project_id: int, rate: TaxRate) -> None:
    """Set the tax for a country."""
    await db.execute(SAVE_TAX, project=project_id, land=rate.country, called=rate.name, part=rate.percent)


async def delete_tax(db: Session, project_id: int, country: str) -> bool:
    """Add no tax for a country any more; False where there was none."""
    return bool(await db.execute(DELETE_TAX, project=project_id, land=country))

"""Reads and writes of the cards that players have saved."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select

from haversack.database.engine import Session
from haversack.payments.records import CardFacts, SavedCard
from haversack.payments.tables import saved_cards
from haversack.sealing import Sealer

SAVED_CARDS_MAX = 20

ADD_CARD = insert(saved_cards).values(
    project_id=bindparam("project"),
    player_id=bindparam("player"),
    provider=bindparam("by"),
    reference_sealed=bindparam("sealed"),
    brand=bindparam("called"),
    suffix=bindparam("ends"),
    expiry_month=bindparam("month"),
    expiry_year=bindparam("year"),
    created_at=bindparam("now"),
)
_CARDS_OF_PLAYER = (saved_cards.c.project_id == bindparam("project"), saved_cards.c.player_id == bindparam("player"))
LIST_CARDS = (
    select(saved_cards)
    .where(*_CARDS_OF_PLAYER, saved_cards.c.provider == bindparam("by"))
    .order_by(saved_cards.c.card_id.desc())
    .limit(SAVED_CARDS_MAX)
)
DELETE_SAME_CARD = delete(saved_cards).where(
    *_CARDS_OF_PLAYER,
    saved_cards.c.provider == bindparam("by"),
    saved_cards.c.brand == bindparam("called"),
    saved_cards.c.suffix == bindparam("ends"),
    saved_cards.c.expiry_month == bindparam("month"),
    saved_cards.c.expiry_year == bindparam("year"),
)


async def save_card(
    db: Session,
    sealer: Sealer,
    *,
    project_id: int,
    player_id: UUID,
    provider: str,
    card: CardFacts,
    reference: str,
    now: datetime,
) -> None:
    """Keep a card that may be paid with again, in place of an equal one."""
    facts = {"called": card.brand, "ends": card.suffix, "month": card.expiry_month, "year": card.expiry_year}
    await db.execute(DELETE_SAME_CARD, project=project_id, player=player_id, by=provider, **facts)
    sealed = sealer.seal_text(reference)
    await db.execute(ADD_CARD, project=project_id, player=player_id, by=provider, sealed=sealed, now=now, **facts)


async def list_saved_cards(
    db: Session, sealer: Sealer, *, project_id: int, player_id: UUID, provider: str
) -> list[SavedCard]:
    """The cards of a player with a provider, the newest first."""
    rows = await db.fetch_all(LIST_CARDS, project=project_id, player=player_id, by=provider)
    return [
        SavedCard(
            card_id=row["card_id"],
            provider=row["provider"],
            brand=row["brand"],
            suffix=row["suffix"],
            expiry_month=row["expiry_month"],
            expiry_year=row["expiry_year"],
            reference=sealer.open_text(row["reference_sealed"]),
        )
        for row in rows
    ]

"""Changes of daily chains beyond those of every kind."""

from haversack.chains import actions
from haversack.chains.records import ChainKind, DailyType, by_day
from haversack.errors import CHAIN_NOT_ROLLING
from haversack.http.calls import AdminCall


async def reset_rolling_chain(call: AdminCall, chain_id: int) -> None:
    """Let every player begin a rolling chain anew; CHAIN_NOT_ROLLING where the days are those of the calendar."""
    async with call.db.begin():
        chain = await actions.lock_chain(call.db, call.project_id, ChainKind.DAILY, chain_id)
        if by_day(chain).type is not DailyType.ROLLING:
            raise CHAIN_NOT_ROLLING()
        await actions.reset_chain(call, ChainKind.DAILY, chain_id)

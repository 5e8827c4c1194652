"""A process for the crash tests: publishes or works, says where it is, and stands still there until it is
killed.

Run as: crashing_process.py DATABASE_URL KEY DATA_FOLDER PROJECT_ID before_commit|after_commit|work
"""

import asyncio
import sys
from pathlib import Path

from pydantic import SecretStr

sys.path.insert(0, str(Path(__file__).parents[1]))

from haversack.context import Context, open_context
from haversack.database.engine import Session
from haversack.projects.queries import find_project
from haversack.settings import Mode, Settings
from haversack.webhooks.actions import publish
from haversack.webhooks.delivery import Deliverer
from haversack.webhooks.outcomes import Outcomes
from haversack.webhooks.records import Purpose, SettledDelivery
from haversack.worker import Worker
from make.webhooks import make_event


async def stand_still(place: str) -> None:
    """Say where the process is, and go no further."""
    print(place, flush=True)
    await asyncio.Event().wait()


async def publish_and_stop(context: Context, project_id: int, *, place: str) -> None:
    """Publish one event and stop before or after its commit."""
    db = context.database.session()
    project = await find_project(db, project_id)
    assert project is not None
    async with db.begin():
        await publish(db, project, make_event(), purpose=Purpose.STORE, player_key="player")
        if place == "before_commit":
            await stand_still(place)
    await stand_still(place)


async def stop_while_recording(db: Session, delivery: SettledDelivery) -> None:
    """The reply is here, its transaction is open."""
    await stand_still("recording")


async def work(context: Context) -> None:
    """Deliver, with leases that end soon after the process does."""
    deliverer = Deliverer(
        settings=context.settings,
        database=context.database,
        sealer=context.sealer,
        outbound=context.outbound,
        outcomes=Outcomes({"stop": stop_while_recording}),
        lease_seconds=1.0,
    )
    print("working", flush=True)
    await Worker(deliverer, context.notifications).run()


async def main() -> None:
    """Do what the arguments say."""
    url, key, folder, project_id, what = sys.argv[1:]
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        mode=Mode.DEVELOPMENT,
        database_url=SecretStr(url),
        encryption_key=SecretStr(key),
        data_folder=Path(folder),
        outbound_allow_loopback=True,
    )
    async with open_context(settings) as context:
        if what == "work":
            await work(context)
        else:
            await publish_and_stop(context, int(project_id), place=what)


if __name__ == "__main__":
    asyncio.run(main())

"""`haversack verify`: clean books are said to be so, and each difference is named; then the command ends with 1."""

from uuid import uuid4

from haversack.inventory.actions import CurrencyGrant
from make.inventory import give, make_currency
from make.projects import make_studio
from processes.running import invoke, run
from processes.serving import Shop


async def test_verify(shop: Shop) -> None:
    studio, player_id = shop.studio, uuid4()
    other = await make_studio(shop.context)
    await make_currency(studio, "gems", "Gems")
    await give(studio, player_id, CurrencyGrant("gems", 30))
    clean = await run(shop.folder, "verify", **shop.settings)
    assert clean.succeeded() == ""
    assert clean.err.splitlines() == [
        f"project {studio.project_id} ...",
        f"project {other.project_id} ...",
        "Everything follows from the books.",
    ]
    async with shop.context.database.connection() as connection:
        await connection.execute("UPDATE balances SET amount = 7 WHERE project_id = $1", studio.project_id)
    named = f"project {studio.project_id}, balances: player {player_id} currency gems: 30 by the books, 7 found\n"
    found = await invoke("verify", **shop.settings)
    assert (found.status, found.out) == (1, named)
    assert found.err.endswith("1 difference found.\n")
    of_other = await invoke("verify", "--project", str(other.project_id), **shop.settings)
    assert of_other.succeeded() == ""
    unknown = await invoke("verify", "--project", "1", **shop.settings)
    assert (unknown.status, unknown.out) == (1, "")
    assert unknown.err == "There is no project 1.\n"

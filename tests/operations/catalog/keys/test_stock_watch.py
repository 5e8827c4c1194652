"""Keys whose codes come to an end: told in the log once for each level, and by `haversack doctor`."""

import httpx
import pytest

from haversack.catalog.keys.stock_watch import StockWatch
from haversack.context import Context
from make.keys import make_game, request, upload
from make.projects import Studio

KEY = "opera_drmfree"


async def test_each_level_is_told_once(
    client: httpx.AsyncClient, studio: Studio, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    watch = StockWatch(context.database)
    await make_game(studio)
    await upload(client, studio, KEY, [f"CODE{number}" for number in range(20)])

    async def look_after_taking(count: int) -> list[str]:
        if count:
            assert (await request(client, studio, KEY, count)).status_code == 200
        caplog.clear()
        await watch.look()
        own = f" of game key {KEY} in project {studio.project_id}."
        return [record.getMessage().removesuffix(own) for record in caplog.records if own in record.getMessage()]

    assert await look_after_taking(14) == []
    assert await look_after_taking(1) == ["5 of 20 codes are left"]
    assert await look_after_taking(1) == []
    assert await look_after_taking(2) == ["2 of 20 codes are left"]
    assert await look_after_taking(0) == []
    assert await look_after_taking(2) == ["No code is left"]
    await upload(client, studio, KEY, [f"MORE{number}" for number in range(20)])
    assert await look_after_taking(0) == []
    assert await look_after_taking(20) == ["No code is left"]
    # A worker that starts says once how things are.
    watch = StockWatch(context.database)
    assert await look_after_taking(0) == ["No code is left"]
    # A deleted key is nobody's concern.
    await client.delete(f"/api/v2/project/{studio.project_id}/admin/items/game/sku/opera", auth=studio.basic)
    watch = StockWatch(context.database)
    assert await look_after_taking(0) == []

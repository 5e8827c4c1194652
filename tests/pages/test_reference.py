"""The API reference at /docs: whole without any other host, and its calls really go."""

import pytest
from playwright.async_api import expect
from visits import Give, OpenTab, Player, Site, Visitor

from haversack.app import every_operation


async def test_reference_page(visitor: Visitor) -> None:
    reply = await visitor.open("/docs")
    assert reply.status_code == 200
    policy = reply.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "connect-src 'self'"} <= set(policy)
    assert "<script>" not in reply.text
    for name in ("swagger-ui.css", "swagger-ui-bundle.js"):
        found = await visitor.open(f"/docs/assets/{name}")
        assert (found.status_code, found.headers["x-content-type-options"]) == (200, "nosniff")


async def test_openapi_document(visitor: Visitor, site: Site) -> None:
    reply = await visitor.open("/openapi.json")
    assert reply.headers["content-type"] == "application/json"
    document = reply.json()
    assert document["servers"] == [{"url": site.url}]
    shown = {entry["operationId"] for path in document["paths"].values() for entry in path.values()}
    assert shown == {operation.name for operation in every_operation() if operation.in_document}
    assert "backpack_page" not in shown


@pytest.mark.browser
async def test_trying_a_call(open_tab: OpenTab, give: Give, player: Player, site: Site) -> None:
    await give(player, "virtual_items", item_name="Ember Moth")
    # Opened under another name than the public one: its calls go where it came from, as its policy demands.
    tab = await open_tab(base_url=site.url.replace("127.0.0.1", "localhost"))
    await tab.goto("/docs")
    tags = {operation.tag for operation in every_operation() if operation.in_document}
    await expect(tab.locator(".opblock-tag")).to_have_count(len(tags), timeout=60_000)
    await tab.locator("#operations-tag-User").click()
    shown = [operation for operation in every_operation() if operation.tag == "User"]
    await expect(tab.locator(".opblock")).to_have_count(len(shown))
    await tab.get_by_role("button", name="Authorize").click()
    scheme = tab.locator(".auth-container").filter(has_text="a player's token")
    await scheme.get_by_role("textbox").fill(player.token)
    await scheme.get_by_role("button", name="Apply credentials").click()
    await scheme.get_by_role("button", name="Close").click()
    operation = tab.locator("#operations-User-get_user_backpack_items")
    await operation.locator(".opblock-summary-control").click()
    await operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table .response")
    await expect(answer.locator(".response-col_status").first).to_contain_text("200")
    await expect(answer).to_contain_text("Ember Moth")

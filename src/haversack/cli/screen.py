"""The one screen of `haversack dev`: where everything is and what to paste."""

import typer

from haversack.demo.live_ops.promotions import COUPON_CODE, PROMO_CODE
from haversack.demo.seed import PLAYER_NAME, PLAYER_PASSWORD, Demo
from haversack.settings import Settings

# Something of the demo's shop that costs real money.
BOUGHT_SKU = "lanternfall.stormglass-lantern"


def show_dev_screen(settings: Settings, demo: Demo, player_token: str) -> None:
    """Print addresses, ids, keys and curl lines."""
    base = settings.public_url
    backpack = f"{base}/web/backpack/merchants/{demo.merchant_id}/projects/{demo.project_id}"
    store = f"{base}/api/v2/project/{demo.project_id}"
    rows = [
        ("Backpack page", f"{base}/backpack   (sign in as {PLAYER_NAME} / {PLAYER_PASSWORD})"),
        ("API reference", f"{base}/docs"),
        ("What the game got", f"{base}/demo/game"),
        None,
        ("project id", demo.project_id),
        ("merchant id", demo.merchant_id),
        ("API key", demo.api_key),
        ("X-HOST-ID", demo.host_id),
        ("login project", demo.login_project_id),
        ("server client", f"{demo.client_id}  {demo.client_secret}"),
        ("webhook secret", demo.webhook_secret),
        ("player", demo.player_id),
    ]
    lines = ["", typer.style("  Haversack is ready.", bold=True), ""]
    for row in rows:
        lines.append("" if row is None else f"  {typer.style(row[0].ljust(17), dim=True)} {row[1]}")
    lines += [
        "",
        typer.style("  As the game server: a token, then an item into the player's Backpack", dim=True),
        f"  TOKEN=$(curl -s {base}/api/oauth2/token -d grant_type=client_credentials \\",
        f"    -d client_id={demo.client_id} -d client_secret={demo.client_secret} \\",
        '    | sed \'s/.*"access_token":"\\([^"]*\\).*/\\1/\')',
        f"  curl -s {backpack}/user/{demo.player_id}/virtual_items \\",
        f'    -H "Authorization: Bearer $TOKEN" -H "X-HOST-ID: {demo.host_id}" -H "Content-Type: application/json" \\',
        '    -d \'[{"item_sku": "lamp-oil", "item_name": "Lamp oil", "external_game_id": "lanternfall",',
        f'          "image_url": "{base}/demo/stormglass-lantern.webp"}}]\'',
        "",
        typer.style("  As the player: what is in the Backpack", dim=True),
        f"  PLAYER={player_token}",
        f'  curl -s "{base}/web/backpack/items?group=game_name" -H "Authorization: Bearer $PLAYER"',
        "",
        typer.style("  As a buyer: an order, and what the player owns", dim=True),
        f'  curl -s -X POST {store}/payment/item/{BOUGHT_SKU} -H "Authorization: Bearer $PLAYER" \\',
        '    -H "Content-Type: application/json" -d \'{"sandbox": true}\'',
        f"  # pay at {base}/paystation4/?token=<token> with card 4111 1111 1111 1111, 12/40",
        "  # or by: haversack pay <order_id>",
        f'  curl -s {store}/user/inventory/items -H "Authorization: Bearer $PLAYER"',
        "",
        typer.style("  Live-ops: redeem a coupon, look at a daily chain, put a promo code to the cart", dim=True),
        f'  curl -s {store}/coupon/redeem -H "Authorization: Bearer $PLAYER" \\',
        f'    -H "Content-Type: application/json" -d \'{{"coupon_code": "{COUPON_CODE}"}}\'',
        f'  curl -s {store}/user/daily_chain -H "Authorization: Bearer $PLAYER"',
        f'  curl -s {store}/promocode/redeem -H "Authorization: Bearer $PLAYER" \\',
        f'    -H "Content-Type: application/json" -d \'{{"coupon_code": "{PROMO_CODE}"}}\'',
        "",
        typer.style("  Ctrl-C stops it. Data stays in " + str(settings.data_folder) + "/", dim=True),
        "",
    ]
    typer.echo("\n".join(lines))

"""Nothing that opens anything stands in a log, whatever fails and however much is logged (R32)."""

import base64
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
from pydantic import SecretStr

from haversack.context import open_context
from haversack.database.embedded import running_url
from haversack.settings import Settings
from make.backpack import new_game_key, new_promo_code, new_virtual_item
from make.login import bearer, code_of, code_query, device_body, make_public_client, registration
from make.projects import Studio, make_studio
from processes.running import free_port
from processes.screens import Dev, dev


class Caller:
    """Calls the server and remembers what must not be in a log."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.secrets: set[str] = set()
        self.statuses: set[int] = set()

    def keep(self, *secrets: str) -> None:
        """These must not be in a log."""
        self.secrets.update(secrets)

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Call, whatever comes of it."""
        reply = await self._client.request(method, path, **options)
        self.statuses.add(reply.status_code)
        return reply

    async def sign_in(self, client_id: int) -> None:
        """Registering, signing in in every way and failing at it, tokens changed and revoked."""
        account = registration()
        self.keep(account["email"], account["password"])
        made = await self.call("POST", "/api/oauth2/user", params=code_query(client_id), json=account)
        code = code_of(made.json()["login_url"])
        await self.call("POST", "/api/oauth2/user", params=code_query(client_id), json=account)
        form = {"client_id": str(client_id), "grant_type": "authorization_code", "code": code}
        tokens = (await self.call("POST", "/api/oauth2/token", data=form)).json()
        await self.call("POST", "/api/oauth2/token", data=form)
        self.keep(code, tokens["access_token"])
        guess = f"guess-{uuid4().hex}"
        self.keep(guess)
        credentials = {"username": account["username"], "password": account["password"]}
        query = {"client_id": client_id, "scope": "offline"}
        for body in ({**credentials, "password": guess}, credentials, {**credentials, "password": [guess]}):
            reply = await self.call("POST", "/api/oauth2/login/token", params=query, json=body)
        tokens = (await self.call("POST", "/api/oauth2/login/token", params=query, json=credentials)).json()
        self.keep(tokens["access_token"], tokens["refresh_token"])
        form = {"client_id": str(client_id), "grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        fresh = (await self.call("POST", "/api/oauth2/token", data=form)).json()
        self.keep(fresh["access_token"], fresh["refresh_token"])
        await self.call("POST", "/api/oauth2/token", data=form)
        for token in (fresh["access_token"], fresh["access_token"][:-3] + "abc", guess):
            await self.call("POST", "/api/token/validate", json={"token": token})
            await self.call("POST", "/api/oauth2/token/revoke", data={"token": token})
            await self.call("GET", "/api/users/me", headers=bearer(token))
        assert reply.status_code == 422

    async def link(self, studio: Studio, server: dict[str, str]) -> None:
        """A device's player, linking codes and a server's ids."""
        device = device_body()
        query = {"projectId": str(studio.login_project_id)}
        signed_in = await self.call("POST", "/api/login/device/android", params=query, json=device)
        player = bearer(signed_in.json()["token"])
        code = (await self.call("POST", "/api/users/account/code", headers=player)).json()["code"]
        self.keep(device["device_id"], signed_in.json()["token"])
        body = {"platform": "steam", "user_id": "7656", "project_id": str(studio.login_project_id)}
        for tried in ("000000", code, code):
            await self.call("POST", "/api/users/account/link", json={**body, "code": tried}, headers=server)
        email = f"{uuid4().hex}@example.com"
        self.keep(email)
        for _ in range(2):
            await self.call("POST", "/api/users", params=query, json={"email": email}, headers=server)

    async def give(self, studio: Studio, player_id: UUID, host: dict[str, str], player: dict[str, str]) -> None:
        """Keys and codes put into a Backpack and read there, with faults in the bodies."""
        key, promo = f"KEY-{uuid4().hex}", f"PROMO-{uuid4().hex}"
        self.keep(key, promo)
        url = f"{studio.backpack}/user/{player_id}"
        for body in ([new_game_key(code=key)], [new_game_key(code=key, item_sku="no sku")], {"code": key}):
            await self.call("POST", f"{url}/game_keys", json=body, headers={**host, "Idempotency-Key": f"k-{key}"})
        for promo_code in (promo, f"{promo} {promo}"):
            body = [new_promo_code(promo_code=promo_code)]
            await self.call("POST", f"{url}/promo_codes", json=body, headers=host)
        await self.call("POST", f"{url}/game_keys", content=f'[{{"code": "{key}"', headers=host)
        await self.call("GET", "/web/backpack/items", headers=player)

    async def receive(self, studio: Studio, player_id: UUID, host: dict[str, str], player: dict[str, str]) -> None:
        """Items moved to a game that takes, refuses and does not answer."""
        url = f"{studio.backpack}/user/{player_id}/virtual_items"
        made = await self.call("POST", url, json=[new_virtual_item() for _ in range(3)], headers=host)
        moving = "/web/backpack/virtual_items/move_to_game"
        for item, account in zip(made.json(), ("juno", "nobody", "away"), strict=True):
            body = {"item_id": item["item_id"], "user_game_id": account}
            await self.call("POST", moving, json=body, headers=player)

    async def set_webhook(self, project_id: int, key: str, url: str) -> None:
        """Settings saved, refused, and asked for with a wrong key."""
        secret, path = f"secret-{uuid4().hex}", f"/api/v2/project/{project_id}/admin/webhook"
        self.keep(key, secret, base64.b64encode(f"{project_id}:{key}".encode()).decode())
        basic = httpx.BasicAuth(str(project_id), key)
        for body in (
            {"url": url, "secret": secret, "is_enabled": True},
            {"url": f"ftp://user:{secret}@10.0.0.1/", "secret": secret, "is_enabled": True},
            {"url": url, "secret": secret * 20, "is_enabled": "maybe"},
        ):
            await self.call("PUT", path, json=body, auth=basic)
        await self.call("GET", path, auth=basic)
        await self.call("GET", path, auth=httpx.BasicAuth(str(project_id), key[:-1]))


async def everything(caller: Caller, server: Dev) -> None:
    """Every kind of call that carries a secret, with its failures."""
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        database_url=SecretStr(running_url(server.folder) or ""),
        encryption_key=SecretStr((server.folder / "encryption.key").read_text()),
        data_folder=server.folder,
        outbound_allow_loopback=True,
    )
    async with open_context(settings) as context:
        studio = await make_studio(context)
        client_id = await make_public_client(studio)
        demo = await context.directory.find_project(int(server.screen.row("project id")))
        assert demo is not None
        form = {"grant_type": "client_credentials", "client_id": str(studio.client_id)}
        for client_secret in (studio.client_secret, studio.client_secret[:-1] + "x", f"hscs_test_{uuid4().hex}"):
            caller.keep(client_secret)
            await caller.call("POST", "/api/oauth2/token", data={**form, "client_secret": client_secret})
        host = await studio.host_headers(caller._client)
        player_id = uuid4()
        player = await studio.player_headers(player_id)
        token = host["Authorization"].removeprefix("Bearer ")
        caller.keep(token, player["Authorization"].removeprefix("Bearer "), host["X-HOST-ID"], studio.merchant_key)
        await caller.sign_in(client_id)
        await caller.link(studio, {"X-SERVER-AUTHORIZATION": token})
        await caller.give(studio, player_id, host, player)
        await caller.set_webhook(studio.project_id, studio.api_key, f"{server.url}/demo/game/webhook")
        await caller.receive(studio, player_id, host, player)
    await with_the_demo(caller, server)


async def with_the_demo(caller: Caller, server: Dev) -> None:
    """The demo's game takes an item: its webhook is signed and sent."""
    rows = server.screen.rows
    caller.keep(rows["API key"], rows["X-HOST-ID"], rows["webhook secret"], rows["server client"].split()[1])
    caller.keep(server.screen.player_token, (server.folder / "encryption.key").read_text())
    caller.keep((server.folder / "postgres" / ".." / "password").read_text())
    player = bearer(server.screen.player_token)
    held = (await caller.call("GET", "/web/backpack/items", params={"limit": 100}, headers=player)).json()
    caller.keep(*(item["code"] or item["promo_code"] for item in held if item["code"] or item["promo_code"]))
    items = [item for item in held if item["item_type"] == "virtual_item" and not item["platform"]]
    for item, account in zip(items, ("juno", "refuse", "away"), strict=False):
        body = {"item_id": item["item_id"], "user_game_id": account}
        await caller.call("POST", "/web/backpack/virtual_items/move_to_game", json=body, headers=player)


async def test_no_secret_is_in_a_log(tmp_path: Path) -> None:
    async with dev(tmp_path, free_port(), log_level="debug") as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=60, verify=False) as client:
            caller = Caller(client)
            await everything(caller, server)
        ended = await server.running.interrupt()
    assert ended.status == 0
    assert caller.statuses >= {200, 201, 204, 400, 401, 422, 500}
    assert len(caller.secrets) > 25
    logs = {"stderr": ended.err, "postgres.log": (server.folder / "postgres.log").read_text()}
    # It is searched for what might be there: refused requests were logged.
    assert "WARNING haversack." in logs["stderr"]
    assert "INFO uvicorn." in logs["stderr"]
    for name, text in logs.items():
        found = [line for line in text.splitlines() if any(secret in line for secret in caller.secrets)]
        assert not found, (name, found[:5])

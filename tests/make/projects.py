"""Makes merchants, projects and what opens them."""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

import httpx

from haversack.clock import Clock
from haversack.context import Context
from haversack.login.actions import issue_player_token
from haversack.projects.actions import CreatedProject, create_project
from haversack.projects.keys import KeyKind
from haversack.projects.records import (
    BackpackWebhooks,
    DeliveryMode,
    OrderDestination,
    OrderWebhooks,
    Personalization,
    Project,
)

# A project for rules, which need none in a database.
PROJECT = Project(
    project_id=44001,
    merchant_id=1001,
    name="Lanternfall",
    login_project_id=UUID(int=7),
    clock=Clock(offset=timedelta()),
    is_demo=False,
    is_sandbox=False,
    backpack_webhooks=BackpackWebhooks.STANDARD,
    delivery_mode=DeliveryMode.XSOLLA,
    order_webhooks=OrderWebhooks.COMBINED,
    order_destination=OrderDestination.INVENTORY,
    refunds_refused_orders=False,
    personalization=Personalization.PLATFORM,
)


@dataclass(slots=True)
class Studio:
    """A merchant with one project. Secrets are plain, as their owner was shown them once."""

    merchant_id: int
    project_id: int
    login_project_id: UUID
    api_key: str
    merchant_key: str
    host_id: UUID
    client_id: int
    client_secret: str
    context: Context = field(repr=False)
    _server_token: str | None = None

    @property
    def backpack(self) -> str:
        """The base of the distributor's calls."""
        return f"/web/backpack/merchants/{self.merchant_id}/projects/{self.project_id}"

    @property
    def basic(self) -> httpx.BasicAuth:
        """Basic authentication with the project's key."""
        return httpx.BasicAuth(str(self.project_id), self.api_key)

    async def server_token(self, client: httpx.AsyncClient) -> str:
        """A server token, asked for once."""
        if self._server_token is None:
            reply = await client.post(
                "/api/oauth2/token",
                data={
                    "grant_type": "client_credentials",
                    "client_id": str(self.client_id),
                    "client_secret": self.client_secret,
                },
            )
            assert reply.status_code == 200, reply.text
            self._server_token = reply.json()["access_token"]
        return self._server_token

    async def host_headers(self, client: httpx.AsyncClient) -> dict[str, str]:
        """Headers of a distributor's call."""
        return {"X-HOST-ID": str(self.host_id), "Authorization": f"Bearer {await self.server_token(client)}"}

    async def server_headers(self, client: httpx.AsyncClient) -> dict[str, str]:
        """Headers of a Login server call."""
        return {"X-SERVER-AUTHORIZATION": await self.server_token(client)}

    async def player_headers(self, player_id: UUID) -> dict[str, str]:
        """Headers of a player's call; the player is made where it does not exist."""
        token = await issue_player_token(self.context, self.login_project_id, player_id)
        return {"Authorization": f"Bearer {token}"}


def _kind(context: Context) -> KeyKind:
    """Keys that open something where the context's settings hold."""
    return KeyKind.PROJECT_TEST if context.settings.is_development else KeyKind.PROJECT_LIVE


async def make_studio(context: Context, *, name: str | None = None, kind: KeyKind | None = None) -> Studio:
    """A fresh merchant with one project."""
    made: CreatedProject = await create_project(
        context, name=name or f"Project {uuid4().hex[:8]}", merchant_name="Studio", kind=kind or _kind(context)
    )
    return _studio(context, made)


async def make_project_beside(studio: Studio) -> Studio:
    """Another project of the same merchant with the same players."""
    made = await create_project(
        studio.context,
        name="Beside",
        merchant_name="",
        kind=_kind(studio.context),
        merchant_id=studio.merchant_id,
        login_project_id=studio.login_project_id,
    )
    return _studio(studio.context, made)


def _studio(context: Context, made: CreatedProject) -> Studio:
    return Studio(
        merchant_id=made.merchant_id,
        project_id=made.project_id,
        login_project_id=made.login_project_id,
        api_key=made.api_key,
        merchant_key=made.merchant_key,
        host_id=made.host_id,
        client_id=made.client_id,
        client_secret=made.client_secret,
        context=context,
    )

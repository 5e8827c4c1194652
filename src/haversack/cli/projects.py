"""`haversack project …` and `haversack player …`."""

import math
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID, uuid5

import typer

from haversack.cli.connect import connected_settings, end_with, load_settings, run_with_context
from haversack.projects.keys import KeyKind
from haversack.projects.records import (
    BackpackWebhooks,
    DeliveryMode,
    OrderDestination,
    OrderWebhooks,
    Personalization,
    Project,
)

if TYPE_CHECKING:
    from haversack.context import Context
    from haversack.settings import Settings

project_app = typer.Typer(help="Projects, their keys and settings.", no_args_is_help=True)
player_app = typer.Typer(help="Players of a project.", no_args_is_help=True)

ID_MAX = 2**31 - 1
NAME_LENGTH_MAX = 255
OVERLAP_HOURS_MAX = 24 * 365
SKU = re.compile(r"[A-Za-z0-9_\-.]{1,255}")

ProjectId = Annotated[int, typer.Argument(help="the project's id", min=1, max=ID_MAX)]


def _name(value: str) -> str:
    """A name that can be shown, or the command ends."""
    name = value.strip()
    if not 1 <= len(name) <= NAME_LENGTH_MAX or not name.isprintable():
        raise typer.BadParameter(f"must have 1 to {NAME_LENGTH_MAX} printable characters")
    return name


def _sku(value: str) -> str:
    if SKU.fullmatch(value) is None:
        raise typer.BadParameter("must have 1 to 255 letters, digits, dots, hyphens and underscores")
    return value


def _overlap(hours: float) -> float:
    # A comparison with "not a number" is never true.
    if not math.isfinite(hours):
        raise typer.BadParameter("must be a number")
    return hours


def _key_kind(settings: "Settings") -> KeyKind:
    return KeyKind.PROJECT_TEST if settings.is_development else KeyKind.PROJECT_LIVE


def _show(title: str, rows: list[tuple[str, object]]) -> None:
    typer.echo(title)
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        typer.echo(f"  {name.ljust(width)}  {value}")


async def get_project(context: "Context", project_id: int) -> Project:
    """The project, or the command ends."""
    project = await context.directory.find_project(project_id)
    if project is None:
        end_with(f"There is no project {project_id}.")
    return project


async def _owner(context: "Context", login_project_id: UUID, merchant_id: int | None) -> int:
    """The merchant of a login project; the command ends where another one is named."""
    from haversack.login.actions.issuing import get_login_project

    login_project = await get_login_project(context.database.session(), context.sealer, login_project_id)
    if merchant_id not in (None, login_project.merchant_id):
        end_with(f"The login project {login_project_id} belongs to merchant {login_project.merchant_id}.")
    return login_project.merchant_id


@project_app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="what the project is called", callback=_name)],
    merchant: Annotated[
        int | None, typer.Option(help="an existing merchant's id; a new one without it", min=1, max=ID_MAX)
    ] = None,
    login_project: Annotated[
        UUID | None, typer.Option(help="share the players of this login project, whose merchant it belongs to")
    ] = None,
) -> None:
    """Make a project and print its keys, which are shown this once."""
    settings = connected_settings(load_settings())

    async def work(context: "Context") -> None:
        import asyncpg

        from haversack.projects.actions import create_project

        merchant_id = merchant if login_project is None else await _owner(context, login_project, merchant)
        try:
            made = await create_project(
                context,
                name=name,
                merchant_name=name,
                kind=_key_kind(settings),
                merchant_id=merchant_id,
                login_project_id=login_project,
            )
        except asyncpg.ForeignKeyViolationError:
            end_with(f"There is no merchant {merchant_id}.")
        _show(
            f"Project {made.project_id} is made. Keep these secrets now: only their hashes are stored.",
            [
                ("project id", made.project_id),
                ("merchant id", made.merchant_id),
                ("API key (project)", made.api_key),
                ("API key (merchant)", made.merchant_key),
                ("X-HOST-ID", made.host_id),
                ("login project", made.login_project_id),
                ("server client id", made.client_id),
                ("server client secret", made.client_secret),
            ],
        )

    run_with_context(work, settings)


@project_app.command("list")
def list_all() -> None:
    """List the projects."""

    async def work(context: "Context") -> None:
        from haversack.projects.queries import list_projects

        for project in await list_projects(context.database.session()):
            demo = "  (demo)" if project.is_demo else ""
            typer.echo(f"{project.project_id}  merchant {project.merchant_id}  {project.name}{demo}")

    run_with_context(work)


@project_app.command("keys")
def keys(project_id: ProjectId) -> None:
    """List the keys that open a project. The keys themselves are stored nowhere."""

    async def work(context: "Context") -> None:
        from haversack.projects.queries import list_keys

        project = await get_project(context, project_id)
        rows = await list_keys(
            context.database.session(), merchant_id=project.merchant_id, project_id=project.project_id
        )
        for row in rows:
            what = "project" if row["project_id"] is not None else "merchant"
            ends = f"ends {row['expires_at']:%Y-%m-%d %H:%M}Z" if row["expires_at"] else "no end"
            typer.echo(f"{row['key_id']}  {row['key_hint']}  {what}  made {row['created_at']:%Y-%m-%d}  {ends}")

    run_with_context(work)


@project_app.command("rotate")
def rotate(
    project_id: ProjectId,
    what: Annotated[str, typer.Option(help="key, merchant-key or host-id")] = "key",
    overlap_hours: Annotated[
        float,
        typer.Option(help="how long the old one still opens", min=0, max=OVERLAP_HOURS_MAX, callback=_overlap),
    ] = 24.0,
) -> None:
    """Make a new key or host id; the old one ends after the overlap."""
    if what not in ("key", "merchant-key", "host-id"):
        end_with("--what must be key, merchant-key or host-id", status=2)
    settings = connected_settings(load_settings())

    async def work(context: "Context") -> None:
        from haversack.projects.actions import rotate_host_id, rotate_key

        project = await get_project(context, project_id)
        overlap = timedelta(hours=overlap_hours)
        if what == "host-id":
            fresh: Any = await rotate_host_id(context, project, overlap=overlap)
        else:
            fresh = await rotate_key(
                context,
                project,
                for_merchant=what == "merchant-key",
                kind=_key_kind(settings),
                overlap=overlap,
            )
        _show(f"The old one ends in {overlap_hours:g} h.", [(what, fresh)])

    run_with_context(work, settings)


@project_app.command("set")
def set_settings(
    project_id: ProjectId,
    backpack_webhooks: Annotated[BackpackWebhooks | None, typer.Option()] = None,
    delivery_mode: Annotated[DeliveryMode | None, typer.Option()] = None,
    order_webhooks: Annotated[OrderWebhooks | None, typer.Option()] = None,
    order_destination: Annotated[OrderDestination | None, typer.Option()] = None,
    refunds_refused_orders: Annotated[bool | None, typer.Option()] = None,
    sandbox: Annotated[bool | None, typer.Option(help="its payments move no money: test cards pay")] = None,
    personalization: Annotated[
        Personalization | None, typer.Option(help="who says what a player sees: filter rules, or the game")
    ] = None,
) -> None:
    """Change how a project's webhooks are formed, ordered and retried, what becomes of its orders, and who says which
    items a player sees."""

    async def work(context: "Context") -> None:
        from haversack.projects.actions import save_settings

        await get_project(context, project_id)
        await save_settings(
            context,
            project_id,
            backpack_webhooks=backpack_webhooks,
            delivery_mode=delivery_mode,
            order_webhooks=order_webhooks,
            order_destination=order_destination,
            refunds_refused_orders=refunds_refused_orders,
            is_sandbox=sandbox,
            personalization=personalization,
        )
        project = await get_project(context, project_id)
        _show(
            f"Project {project_id}",
            [
                ("backpack webhooks", project.backpack_webhooks),
                ("delivery mode", project.delivery_mode),
                ("order webhooks", project.order_webhooks),
                ("order destination", project.order_destination),
                ("refunds refused orders", "yes" if project.refunds_refused_orders else "no"),
                ("sandbox", "yes" if project.is_sandbox else "no"),
                ("personalization", project.personalization),
            ],
        )

    run_with_context(work)


@project_app.command("currency")
def currency(
    project_id: ProjectId,
    sku: Annotated[str, typer.Argument(help="its SKU in the catalog", callback=_sku)],
    name: Annotated[str, typer.Argument(help="what players read", callback=_name)],
) -> None:
    """Configure a virtual currency that players keep in their wallet."""

    async def work(context: "Context") -> None:
        from haversack.inventory.currencies import save_currency

        project = await get_project(context, project_id)
        db = context.database.session()
        await save_currency(db, project.project_id, sku=sku, name=name, now=project.clock.now())
        typer.echo(f"{sku} is a virtual currency of project {project_id}.")

    run_with_context(work)


@player_app.command("token")
def token(
    project_id: ProjectId,
    player: Annotated[
        str, typer.Argument(help="the player's uuid, or a user name: one name is one player", callback=_name)
    ],
) -> None:
    """Print a token of a player, who is made where there is none."""

    async def work(context: "Context") -> None:
        from haversack.login.actions import issue_player_token
        from haversack.login.queries.players import find_player_by_name

        project = await get_project(context, project_id)
        try:
            player_id, username = UUID(player), None
        except ValueError:
            # Whoever has signed up has an id that no name gives.
            found = await find_player_by_name(context.database.session(), project.login_project_id, player)
            player_id = found[0].player_id if found is not None else uuid5(project.login_project_id, player)
            username = player
        text = await issue_player_token(context, project.login_project_id, player_id, username=username)
        typer.echo(f"player id {player_id}", err=True)
        typer.echo(text)

    run_with_context(work)

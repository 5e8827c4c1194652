"""`haversack explain item|cart`: why something is shown, sold and priced as it is for somebody."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from haversack.cli.connect import run_with_context
from haversack.cli.projects import ProjectId, get_project

if TYPE_CHECKING:
    from haversack.context import Context
    from haversack.explain.records import Asked, Trace
    from haversack.projects.records import Project

app = typer.Typer(help="Why an item or a cart is what it is: each rule, kept or dropped.", no_args_is_help=True)

LANGUAGE = "en"


def _code_of(length: int, words: str) -> Callable[[str | None], str | None]:
    def checked(value: str | None) -> str | None:
        if value is not None and not (len(value) == length and value.isascii() and value.isalpha()):
            raise typer.BadParameter(f"must be {words}")
        return None if value is None else value.upper()

    return checked


def _moment(value: str | None) -> str | None:
    if value is not None and _read_moment(value) is None:
        raise typer.BadParameter("must be a date of ISO 8601, such as 2026-11-30T12:00:00+01:00")
    return value


def _read_moment(value: str) -> datetime | None:
    from haversack.personalization.rules import moment_of

    return moment_of(value)


Player = Annotated[str | None, typer.Option(help="the player, as the game calls it; nobody signed in without it")]
Country = Annotated[
    str | None,
    typer.Option(help="two letters, such as DE", callback=_code_of(2, "a country of two letters, such as DE")),
]
Currency = Annotated[
    str | None,
    typer.Option(help="three letters, such as EUR", callback=_code_of(3, "a currency of three letters, such as EUR")),
]
Time = Annotated[
    str | None, typer.Option(help="by default now, by the project's clock; without an offset UTC", callback=_moment)
]
Code = Annotated[str | None, typer.Option(help="a code that is given")]
Locale = Annotated[str, typer.Option(help="language of names")]


@app.command("item")
def explain_item(
    project_id: ProjectId,
    sku: Annotated[str, typer.Argument(help="the item's SKU")],
    player: Player = None,
    country: Country = None,
    currency: Currency = None,
    time: Time = None,
    code: Code = None,
    locale: Locale = LANGUAGE,
) -> None:
    """Say why an item is shown, sold and priced as it is."""

    async def trace(context: "Context", project: "Project") -> "Trace":
        from haversack.explain import tracing

        asked = _asked(project, player, country, currency, time, code, locale)
        return await tracing.explain_item(context, project, sku, asked)

    _print(project_id, trace)


@app.command("cart")
def explain_cart(
    project_id: ProjectId,
    cart_id: Annotated[str, typer.Argument(help="the cart's id; `current` is the player's current one")],
    player: Annotated[str, typer.Option(help="the cart's owner, as the game calls it")],
    country: Country = None,
    currency: Currency = None,
    time: Time = None,
    code: Code = None,
    locale: Locale = LANGUAGE,
) -> None:
    """Say why each line of a cart can be bought or not, and why it costs what it does."""

    async def trace(context: "Context", project: "Project") -> "Trace":
        from haversack.explain import tracing

        asked = _asked(project, player, country, currency, time, code, locale)
        return await tracing.explain_cart(context, project, cart_id, asked)

    _print(project_id, trace)


def _asked(
    project: "Project",
    player: str | None,
    country: str | None,
    currency: str | None,
    time: str | None,
    code: str | None,
    locale: str,
) -> "Asked":
    from haversack.explain.records import Asked
    from haversack.text import FALLBACK, language_of

    at = None if time is None else _read_moment(time)
    return Asked(
        at=at or project.clock.now(),
        player=player,
        country=country,
        currency=currency,
        code=code,
        language=language_of(locale) or FALLBACK,
    )


def _print(project_id: int, trace: "Callable[[Context, Project], Awaitable[Trace]]") -> None:
    async def work(context: "Context") -> None:
        from haversack.explain.text import DROPPED, lines_of_trace

        project = await get_project(context, project_id)
        for line in lines_of_trace(await trace(context, project)):
            is_dropped = line.startswith(f"  {DROPPED} ")
            typer.echo(typer.style(line, fg=typer.colors.RED) if is_dropped else line)

    run_with_context(work)

"""`haversack payments …` and `haversack project tax …`: how a project takes money, and the taxes that its page adds."""

import re
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from haversack.cli.connect import end_with, run_with_context
from haversack.cli.pay import cards
from haversack.cli.projects import ProjectId, get_project

if TYPE_CHECKING:
    from haversack.context import Context

app = typer.Typer(help="Payments: providers and test cards.", no_args_is_help=True)
provider_app = typer.Typer(help="What takes a project's real money.", no_args_is_help=True)
tax_app = typer.Typer(help="Taxes that the payment page adds for players of a country.", no_args_is_help=True)
app.add_typer(provider_app, name="provider")
app.command("cards")(cards)

STRIPE_KEYS = {
    "--publishable-key": re.compile(r"pk_(test|live)_\w+"),
    "--secret-key": re.compile(r"[sr]k_(test|live)_\w+"),
    "--webhook-secret": re.compile(r"whsec_\w+"),
}


class ProviderName(StrEnum):
    """Providers that take real money."""

    STRIPE = "stripe"


class TaxName(StrEnum):
    """What a tax is called on the page and in webhooks."""

    SALES_TAX = "sales_tax"
    VAT = "vat"


def _country(value: str) -> str:
    if not (len(value) == 2 and value.isascii() and value.isalpha()):
        raise typer.BadParameter("must be a country of two letters, such as DE")
    return value.upper()


def _known_country(value: str) -> str:
    """A tax of a country that no player comes from is paid by nobody, such as one of UK."""
    from babel import Locale

    country = _country(value)
    if country not in Locale("en").territories:
        raise typer.BadParameter(f"there is no country {country} in ISO 3166-1, which has GB and DE")
    return country


COUNTRY_HELP = "two letters, such as DE"
Country = Annotated[str, typer.Argument(help=COUNTRY_HELP, callback=_country)]
KnownCountry = Annotated[str, typer.Argument(help=COUNTRY_HELP, callback=_known_country)]


def _percent(value: str) -> Decimal:
    try:
        percent = Decimal(value)
    except InvalidOperation:
        end_with("PERCENT must be a number, such as 8.88.", status=2)
    if not percent.is_finite() or not 0 <= percent < 100 or percent != percent.quantize(Decimal("0.0001")):
        end_with("PERCENT must be a number from 0 up to 100, with four decimals at most.", status=2)
    return percent


@provider_app.command("set")
def set_provider(
    project_id: ProjectId,
    provider: Annotated[ProviderName, typer.Argument(help="the provider")],
    publishable_key: Annotated[str, typer.Option(prompt=True, envvar="STRIPE_PUBLISHABLE_KEY", help="pk_…")],
    secret_key: Annotated[
        str, typer.Option(prompt=True, hide_input=True, envvar="STRIPE_SECRET_KEY", help="sk_… or rk_…")
    ],
    webhook_secret: Annotated[
        str, typer.Option(prompt=True, hide_input=True, envvar="STRIPE_WEBHOOK_SECRET", help="whsec_…")
    ],
    enabled: Annotated[bool, typer.Option(help="whether new payments go through it")] = True,
) -> None:
    """Let a project take real money. Secrets are asked for, or read from the environment; they are kept sealed."""
    given = {"--publishable-key": publishable_key, "--secret-key": secret_key, "--webhook-secret": webhook_secret}
    for name, value in given.items():
        if not STRIPE_KEYS[name].fullmatch(value.strip()):
            end_with(f"{name} does not look like one of Stripe.", status=2)

    async def work(context: "Context") -> None:
        from haversack.clock import real_now
        from haversack.payments.queries.taking import save_provider

        await get_project(context, project_id)
        await save_provider(
            context.database.session(),
            context.sealer,
            project_id=project_id,
            provider=provider.value,
            is_enabled=enabled,
            settings={name[2:].replace("-", "_"): value.strip() for name, value in given.items()},
            now=real_now(),
        )
        address = f"{context.settings.public_url}/webhooks/stripe/{project_id}"
        typer.echo(f"Project {project_id} takes money by {provider.value}{'' if enabled else ' (switched off)'}.")
        typer.echo(f"Let Stripe send the events payment_intent.* to {address}")

    run_with_context(work)


@provider_app.command("list")
def list_providers(project_id: ProjectId) -> None:
    """List what takes a project's money. Secrets are not shown."""

    async def work(context: "Context") -> None:
        from haversack.payments.queries.taking import list_providers

        await get_project(context, project_id)
        found = await list_providers(context.database.session(), context.sealer, project_id)
        for name, is_enabled, settings in found:
            typer.echo(f"{name}  {'on' if is_enabled else 'off'}  {settings.get('publishable_key', '')}")
        if not found:
            typer.echo("None: orders for real money cannot be paid yet. The sandbox needs no setting up.")

    run_with_context(work)


@provider_app.command("remove")
def remove_provider(
    project_id: ProjectId, provider: Annotated[ProviderName, typer.Argument(help="the provider")]
) -> None:
    """Forget a provider's keys. Payments that are under way cannot be looked after without them."""

    async def work(context: "Context") -> None:
        from haversack.payments.queries.taking import delete_provider

        await get_project(context, project_id)
        if not await delete_provider(context.database.session(), project_id, provider.value):
            end_with(f"Project {project_id} has no {provider.value} set up.")
        typer.echo(f"{provider.value} of project {project_id} is forgotten.")

    run_with_context(work)


@tax_app.command("set")
def set_tax(
    project_id: ProjectId,
    country: KnownCountry,
    percent: Annotated[str, typer.Argument(help="such as 8.88")],
    name: Annotated[TaxName, typer.Option(help="what it is called")] = TaxName.SALES_TAX,
) -> None:
    """Add a tax to what players of a country pay. Prices of the catalog stay as they are."""
    rate = _percent(percent)

    async def work(context: "Context") -> None:
        from haversack.payments.queries.taking import save_tax
        from haversack.payments.records import TaxRate

        await get_project(context, project_id)
        tax = TaxRate(country=country, name=name.value, percent=rate)
        await save_tax(context.database.session(), project_id, tax)
        typer.echo(f"Players in {country} pay {rate:f} % {name.value} in project {project_id}.")

    run_with_context(work)


@tax_app.command("list")
def list_taxes(project_id: ProjectId) -> None:
    """List the taxes of a project."""

    async def work(context: "Context") -> None:
        from haversack.payments.queries.taking import list_taxes

        await get_project(context, project_id)
        for rate in await list_taxes(context.database.session(), project_id):
            typer.echo(f"{rate.country}  {rate.percent:f} %  {rate.name}")

    run_with_context(work)


@tax_app.command("remove")
def remove_tax(project_id: ProjectId, country: Country) -> None:
    """Add no tax for a country any more."""

    async def work(context: "Context") -> None:
        from haversack.payments.queries.taking import delete_tax

        await get_project(context, project_id)
        if not await delete_tax(context.database.session(), project_id, country):
            end_with(f"Project {project_id} adds no tax for {country}.")
        typer.echo(f"Players in {country} pay no tax in project {project_id}.")

    run_with_context(work)

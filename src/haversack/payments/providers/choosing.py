"""Which provider takes a project's money: the sandbox for sandbox purchases, else what the project has set up."""

from haversack.context import Context
from haversack.payments.providers import Provider
from haversack.payments.providers.sandbox import NAME as SANDBOX
from haversack.payments.providers.sandbox import Sandbox
from haversack.payments.queries.taking import list_providers
from haversack.projects.records import Project

STRIPE = "stripe"


async def choose_provider(context: Context, project: Project, *, is_sandbox: bool) -> Provider | None:
    """What a new payment goes through; None where the project takes no money yet. Whether a purchase is one of the
    sandbox was settled when its token was made: a project that changes later changes nothing for it."""
    if is_sandbox:
        return Sandbox(context, project)
    for name, is_enabled, _ in await list_providers(context.database.session(), context.sealer, project.project_id):
        if is_enabled:
            return await open_provider(context, project, name)
    return None


async def open_provider(context: Context, project: Project, name: str) -> Provider | None:
    """The provider of a payment that exists, be it switched off for new ones; None where its settings are gone."""
    if name == SANDBOX:
        return Sandbox(context, project)
    for known, _, settings in await list_providers(context.database.session(), context.sealer, project.project_id):
        if known == name == STRIPE:
            # The library is large, and most processes never need it.
            from haversack.payments.providers.stripe import Stripe, StripeSettings

            return Stripe(StripeSettings.of(settings))
    return None

"""What payment providers tell of their own accord: a signed event only says where to look; the provider is asked."""

import logging

from haversack.context import Context
from haversack.errors import PAYSTATION, PROVIDER_EVENT_REFUSED
from haversack.payments.completing import record_charge
from haversack.payments.providers import ProviderAway, ProviderRefused
from haversack.payments.providers.choosing import STRIPE, open_provider
from haversack.payments.queries.payments import find_payment_by_reference

log = logging.getLogger("haversack.payments")

RETRY_AFTER_SECONDS = 30


async def take_stripe_event(context: Context, project_id: int, body: bytes, signature: str) -> None:
    """Take an event of Stripe for a project: about a payment of ours, or about something else, which is left alone.

    Raises PROVIDER_EVENT_REFUSED (400) for what Stripe has not signed for this project, and the family's 503 where it
    cannot be asked: it tells us again.
    """
    project = await context.directory.find_project(project_id)
    provider = None if project is None else await open_provider(context, project, STRIPE)
    if project is None or provider is None:
        raise PROVIDER_EVENT_REFUSED(reason="there is no such address")
    from haversack.payments.providers.stripe import Stripe

    assert isinstance(provider, Stripe)
    event = provider.event_of(body, signature)
    if event is None:
        raise PROVIDER_EVENT_REFUSED(reason="the signature is not Stripe's, or it is too old")
    told = event.get("data", {}).get("object", {})
    if told.get("object") != "payment_intent":
        return
    payment = await find_payment_by_reference(context.database.session(), project_id, STRIPE, str(told.get("id")))
    if payment is None:
        return
    try:
        charge = await provider.find(payment)
    except (ProviderAway, ProviderRefused) as error:
        log.warning("payment %d cannot be looked after: %s", payment.payment_id, error)
        raise PAYSTATION.unavailable(retry_after=RETRY_AFTER_SECONDS) from error
    await record_charge(context, project, payment, charge)

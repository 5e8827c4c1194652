"""What a payment token opens: the purchase as the payment page shows it, with its tax and the ways to pay."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from haversack.context import Context
from haversack.errors import PAYMENT_TOKEN_UNKNOWN
from haversack.orders.queries import find_order
from haversack.orders.records import Order, OrderState
from haversack.payments.page.returning import return_address
from haversack.payments.providers import CardEntry, Provider
from haversack.payments.providers.choosing import choose_provider
from haversack.payments.queries.cards import list_saved_cards
from haversack.payments.queries.payments import list_payments
from haversack.payments.queries.taking import find_tax
from haversack.payments.records import Payment, PaymentToken, SavedCard
from haversack.payments.rules import METHODS, PAID, RETURN_STATUS, Method, with_tax
from haversack.payments.tokens import find_token, find_token_of_order, save_user_details
from haversack.projects.records import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A purchase that can be paid, is paid, or cannot be paid any more.

    amount: before the tax; total: what the player pays. order None: a purchase without an order; `description` says
    what it is. methods: empty where the project takes no money yet, or not this sum. entry: where card numbers are
    typed; at the provider, `publishable_key` is for its script. latest: the payment that counts: what money came in by,
    else the last one tried.
    """

    token: PaymentToken
    project: Project
    order: Order | None
    description: str | None
    currency: str
    amount: Decimal
    tax: Decimal
    tax_percent: Decimal
    tax_name: str
    total: Decimal
    country: str | None
    may_change_country: bool
    email: str | None
    methods: tuple[Method, ...]
    entry: CardEntry
    publishable_key: str | None
    saved_cards: tuple[SavedCard, ...]
    latest: Payment | None

    @property
    def is_sandbox(self) -> bool:
        """Whether no money moves."""
        return self.token.is_sandbox

    @property
    def is_paid(self) -> bool:
        """Whether money has come in for it, be it that some of it has gone back."""
        return self.latest is not None and self.latest.state in PAID

    @property
    def is_payable(self) -> bool:
        """Whether a payment may begin."""
        return not self.is_paid and (self.order is None or self.order.state is OrderState.NEW)

    @property
    def now(self) -> datetime:
        """The project's time."""
        return self.project.clock.now()


async def get_token(context: Context, token_text: str) -> PaymentToken:
    """A token that holds; PAYMENT_TOKEN_UNKNOWN (404) for one that is unknown or has expired by its project's clock."""
    token = await find_token(context.database.session(), token_text)
    if token is None:
        raise PAYMENT_TOKEN_UNKNOWN()
    project = await _project_of(context, token)
    if token.expires_at <= project.clock.now():
        raise PAYMENT_TOKEN_UNKNOWN()
    return token


async def _project_of(context: Context, token: PaymentToken) -> Project:
    project = await context.directory.find_project(token.project_id)
    assert project is not None, "a token belongs to a project"
    return project


async def open_session(context: Context, token_text: str) -> Session:
    """The purchase of a token; PAYMENT_TOKEN_UNKNOWN (404) for one that is unknown or has expired."""
    return await _session(context, await get_token(context, token_text))


async def open_session_of_order(context: Context, project_id: int, order_id: int) -> Session | None:
    """The purchase of an order, for who pays without the page; None where no token was made for it."""
    token = await find_token_of_order(context.database.session(), project_id, order_id)
    return None if token is None else await _session(context, token)


async def reload_session(context: Context, session: Session) -> Session:
    """The same purchase as it stands now."""
    return await _session(context, session.token)


async def change_country(context: Context, session: Session, country: str) -> Session:
    """Let the player be in another country (two capital letters): its tax, its ways to pay. The price stays as the
    order froze it. Where the token does not allow it, nothing changes."""
    if not session.may_change_country or country == session.country:
        return session
    stored = session.token.user_details
    details = {**stored, "country": {**(stored.get("country") or {}), "value": country}}
    # Who may change it once may change it again.
    details["country"].setdefault("allow_modify", True)
    await save_user_details(context.database.session(), session.token, details)
    return await _session(context, replace(session.token, user_details=details))


def return_url(session: Session, payment: Payment | None) -> str | None:
    """The studio's address of return with the documented parameters; None where there is none. payment None: the
    player leaves early. Whether and when to go there is the redirect policy's: `page.returning.way_back`."""
    settings = session.token.settings
    policy = settings.get("redirect_policy")
    target = settings.get("return_url") or (policy.get("return_url") if isinstance(policy, dict) else None)
    external = settings.get("external_id")
    return return_address(
        target if isinstance(target, str) else "",
        user_id=session.token.external_id,
        external_id=external if isinstance(external, str | int) else None,
        invoice_id=None if payment is None else payment.payment_id,
        status=None if payment is None else RETURN_STATUS[payment.state],
    )


async def _session(context: Context, token: PaymentToken) -> Session:
    project = await _project_of(context, token)
    db = context.database.session()
    order = None if token.order_id is None else await find_order(db, token.project_id, token.order_id)
    country = (token.user_details.get("country") or {}).get("value")
    currency, amount = _price(token, order)
    rate = await find_tax(db, token.project_id, country)
    taxed = with_tax(amount, rate.percent, currency)
    provider = await choose_provider(context, project, is_sandbox=token.is_sandbox)
    payments = await list_payments(db, token)
    return Session(
        token=token,
        project=project,
        order=order,
        description=None if token.purchase is None else token.purchase.get("description"),
        currency=currency,
        amount=amount,
        tax=taxed.tax,
        tax_percent=rate.percent,
        tax_name=rate.name,
        total=taxed.total,
        country=country,
        may_change_country=_may_change_country(token, country),
        email=token.user_details.get("email") or (None if order is None else order.email),
        methods=_methods(token, provider, taxed.total, currency),
        entry=CardEntry.OUR_PAGE if provider is None else provider.entry,
        publishable_key=None if provider is None else provider.publishable_key,
        saved_cards=await _saved_cards(context, token, provider),
        latest=payments[0] if payments else None,
    )


def _price(token: PaymentToken, order: Order | None) -> tuple[str, Decimal]:
    if order is not None:
        assert order.currency is not None and order.amount is not None, "tokens are made for orders that cost money"
        return order.currency, order.amount
    assert token.purchase is not None, "a token has an order or a purchase"
    return token.purchase["currency"], Decimal(token.purchase["amount"])


def _may_change_country(token: PaymentToken, country: str | None) -> bool:
    """As the token says. Where nobody has said which country it is, the player must be able to."""
    said: bool = (token.user_details.get("country") or {}).get("allow_modify", False)
    return said or country is None


def _methods(token: PaymentToken, provider: Provider | None, total: Decimal, currency: str) -> tuple[Method, ...]:
    """The ways to pay, the one that the token asks for first."""
    if provider is None or not provider.takes(total, currency):
        return ()
    known = [method for method in METHODS if method.kind in provider.methods]
    wanted = token.settings.get("payment_method")
    return tuple(sorted(known, key=lambda method: method.code != wanted))


async def _saved_cards(context: Context, token: PaymentToken, provider: Provider | None) -> tuple[SavedCard, ...]:
    if provider is None:
        return ()
    return tuple(
        await list_saved_cards(
            context.database.session(),
            context.sealer,
            project_id=token.project_id,
            player_id=token.player_id,
            provider=provider.name,
        )
    )

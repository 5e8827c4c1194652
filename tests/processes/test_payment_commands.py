"""`haversack pay`, `haversack payments …` and `haversack project tax …`: what they print and how they end."""

from collections.abc import AsyncIterator

import httpx
import pytest

from haversack.app import build_application
from haversack.orders.records import OrderState
from haversack.payments.providers.test_cards import TEST_CARDS
from haversack.payments.queries.taking import list_providers
from make.orders import change_project, make_buyer, stored
from make.payments import Purchase, make_payable
from processes.running import Finished, invoke, run
from processes.serving import Shop

STRIPE = {
    "STRIPE_PUBLISHABLE_KEY": "pk_test_abc",
    "STRIPE_SECRET_KEY": "sk_test_hushhush",
    "STRIPE_WEBHOOK_SECRET": "whsec_hushhush",
}


@pytest.fixture
async def api(shared_shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the shop's application, whose project moves no money."""
    await change_project(shared_shop.studio, is_sandbox=True)
    transport = httpx.ASGITransport(app=build_application(shared_shop.context))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture
async def purchase(shared_shop: Shop, api: httpx.AsyncClient) -> Purchase:
    """An unpaid order of one item for 10 USD."""
    return await make_payable(api, await make_buyer(shared_shop.studio), amount=10)


async def command(shop: Shop, *arguments: object) -> Finished:
    """A command on the shop, in this process."""
    return await invoke(*(str(argument) for argument in arguments), **shop.settings)


async def test_pay(shared_shop: Shop, purchase: Purchase) -> None:
    said = (await run(shared_shop.folder, "pay", str(purchase.order_id), **shared_shop.settings)).succeeded()
    payment = await purchase.payment()
    assert said == f"Order {purchase.order_id} is done.\nPayment {payment.payment_id}: 10.00 USD.\n"
    assert (await stored(shared_shop.studio, purchase.order_id)).state is OrderState.DONE
    # It is paid: nothing is charged again.
    assert (await command(shared_shop, "pay", purchase.order_id)).succeeded() == said


async def test_pay_with_a_card_that_declines(shared_shop: Shop, purchase: Purchase) -> None:
    refused = (await command(shared_shop, "pay", purchase.order_id, "--decline")).refused(status=3)
    assert "did not go through: The card was declined." in refused
    refused = (await command(shared_shop, "pay", purchase.order_id, "--card", "stolen")).refused(status=3)
    assert "reported stolen" in refused
    assert (await stored(shared_shop.studio, purchase.order_id)).state is OrderState.NEW
    (await command(shared_shop, "pay", purchase.order_id, "--card", "5555555555554444")).succeeded()


async def test_pay_with_three_d_secure(shared_shop: Shop, purchase: Purchase) -> None:
    wrong = await command(shared_shop, "pay", purchase.order_id, "--card", "3ds-mpi", "--code", "123456")
    assert "the code is wrong" in wrong.refused(status=3)
    said = (await command(shared_shop, "pay", purchase.order_id, "--card", "3ds-mpi")).succeeded()
    assert said.startswith("The card asks for 3-D Secure.\nOrder ")


async def test_pay_with_a_provider_that_is_slow(shared_shop: Shop, purchase: Purchase) -> None:
    waiting = (await command(shared_shop, "pay", purchase.order_id, "--card", "late")).refused(status=5)
    assert "under way" in waiting


async def test_what_cannot_be_paid(shared_shop: Shop, purchase: Purchase) -> None:
    assert "There is no order 7 that" in (await command(shared_shop, "pay", 7)).refused()
    real = await command(shared_shop, "pay", purchase.order_id, "--card", "4539578763621486")
    assert "never a real one" in real.refused(status=4)
    unknown = await command(shared_shop, "pay", purchase.order_id, "--card", "platinum")
    assert "no test card 'platinum'" in unknown.refused(status=2)


async def test_taxes(shared_shop: Shop, api: httpx.AsyncClient) -> None:
    project = shared_shop.studio.project_id
    said = (await command(shared_shop, "project", "tax", "set", project, "de", "19", "--name", "vat")).succeeded()
    assert said == f"Players in DE pay 19 % vat in project {project}.\n"
    (await command(shared_shop, "project", "tax", "set", project, "US", "8.88")).succeeded()
    listed = (await command(shared_shop, "project", "tax", "list", project)).succeeded()
    assert listed == "DE  19 %  vat\nUS  8.88 %  sales_tax\n"
    purchase = await make_payable(api, await make_buyer(shared_shop.studio), amount=10, country="US")
    paid = (await command(shared_shop, "pay", purchase.order_id)).succeeded()
    assert "10.89 USD, 0.89 of it sales tax." in paid
    for country in ("DE", "US"):
        (await command(shared_shop, "project", "tax", "remove", project, country)).succeeded()
    assert "adds no tax" in (await command(shared_shop, "project", "tax", "remove", project, "DE")).refused()
    for percent in ("100", "much", "NaN", "1.00001"):
        wrong = await command(shared_shop, "project", "tax", "set", project, "DE", percent)
        assert "PERCENT must be" in wrong.refused(status=2)
    assert "two letters" in (await command(shared_shop, "project", "tax", "set", project, "DEU", "1")).said
    assert "no country UK" in (await command(shared_shop, "project", "tax", "set", project, "UK", "20")).said
    assert "There is no project" in (await command(shared_shop, "project", "tax", "set", 7, "DE", "1")).refused()


async def test_providers(shared_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    project = shared_shop.studio.project_id
    assert "None:" in (await command(shared_shop, "payments", "provider", "list", project)).succeeded()
    for name, value in STRIPE.items():
        monkeypatch.setenv(name, value)
    said = (await command(shared_shop, "payments", "provider", "set", project, "stripe")).succeeded()
    assert f"/webhooks/stripe/{project}" in said
    listed = (await command(shared_shop, "payments", "provider", "list", project)).succeeded()
    assert listed == "stripe  on  pk_test_abc\n"
    assert "hush" not in said + listed
    context = shared_shop.context
    [(_, is_enabled, settings)] = await list_providers(context.database.session(), context.sealer, project)
    assert is_enabled
    assert settings == {
        "publishable_key": "pk_test_abc",
        "secret_key": "sk_test_hushhush",
        "webhook_secret": "whsec_hushhush",
    }
    async with context.database.connection() as connection:
        sealed = await connection.fetchval(
            "SELECT settings_sealed FROM payment_providers WHERE project_id = $1", project
        )
    assert b"hush" not in sealed
    off = (await command(shared_shop, "payments", "provider", "set", project, "stripe", "--no-enabled")).succeeded()
    assert "switched off" in off
    monkeypatch.setenv("STRIPE_SECRET_KEY", "pk_test_swapped")
    wrong = await command(shared_shop, "payments", "provider", "set", project, "stripe")
    assert "--secret-key does not look like" in wrong.refused(status=2)
    (await command(shared_shop, "payments", "provider", "remove", project, "stripe")).succeeded()
    assert (
        "has no stripe" in (await command(shared_shop, "payments", "provider", "remove", project, "stripe")).refused()
    )


async def test_cards() -> None:
    said = (await invoke("payments", "cards")).succeeded()
    assert all(f"{card.number} " in said and card.name in said for card in TEST_CARDS)


async def test_a_project_of_the_sandbox(shared_shop: Shop) -> None:
    project = shared_shop.studio.project_id
    on = (await command(shared_shop, "project", "set", project, "--sandbox")).succeeded()
    off = (await command(shared_shop, "project", "set", project, "--no-sandbox")).succeeded()
    assert [line.split()[-1] for said in (on, off) for line in said.splitlines() if "sandbox" in line] == ["yes", "no"]

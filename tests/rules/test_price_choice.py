"""Which price applies in a country, and when a whole catalog is shown in one currency."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haversack.catalog.read_model.records import Offer, PriceShape
from haversack.catalog.read_model.rules import choose_price, common_currency

USD = Offer("", "USD", True)
EUR = Offer("", "EUR", True)
GBP_TOO = Offer("", "GBP", False)
DE = Offer("DE", "EUR", False)
DE_USD = Offer("DE", "USD", False)
US = Offer("US", "USD", False)
JP = Offer("JP", "JPY", False)


@pytest.mark.parametrize(
    ("offers", "country", "currency", "chosen"),
    [
        ((), "DE", None, None),
        ((USD,), "", None, USD),
        ((USD,), "DE", None, USD),
        ((USD, DE), "DE", None, DE),
        ((DE, USD), "DE", None, DE),
        ((USD, DE), "US", None, USD),
        ((USD, DE), "", None, USD),
        # Without a default and a price for the country there is none.
        ((DE,), "US", None, None),
        ((GBP_TOO,), "", None, None),
        # In one currency for all: any price in it that is bound to no other country.
        ((USD, DE), "DE", "USD", USD),
        ((USD, DE), "DE", "EUR", DE),
        ((EUR, DE_USD), "DE", "USD", DE_USD),
        ((EUR, US), "DE", "USD", None),
        ((EUR, GBP_TOO), "DE", "GBP", GBP_TOO),
        ((USD, JP), "DE", "JPY", None),
    ],
)
def test_the_price_of_a_country(offers: PriceShape, country: str, currency: str | None, chosen: Offer | None) -> None:
    place = choose_price(offers, country=country, currency=currency)
    assert (None if place is None else offers[place]) == chosen


@pytest.mark.parametrize(
    ("shapes", "country", "currency"),
    [
        ([], "DE", None),
        ([(USD,), (USD, DE)], "", None),
        # Everybody's price is in euros there.
        ([(USD, DE), (EUR,)], "DE", None),
        # One item would be in dollars, another in euros: all are shown in the first item's default currency.
        ([(USD, DE), (USD,)], "DE", "USD"),
        ([(EUR,), (USD,)], "", "EUR"),
        ([(USD,), (EUR,)], "", "USD"),
        # Items without a price there do not mix anything.
        ([(JP,), (USD,)], "US", None),
        # What has no default cannot name the currency.
        ([(DE,), (USD,), (EUR,)], "DE", "USD"),
    ],
)
def test_one_currency_for_all(shapes: list[PriceShape], country: str, currency: str | None) -> None:
    assert common_currency(shapes, country=country) == currency


offers = st.builds(
    Offer, st.sampled_from(["", "DE", "US", "JP"]), st.sampled_from(["USD", "EUR", "JPY"]), st.booleans()
)


@given(st.lists(st.lists(offers, max_size=5).map(tuple), max_size=6), st.sampled_from(["", "DE", "US", "FR"]))
def test_a_catalog_is_never_in_two_currencies(shapes: list[PriceShape], country: str) -> None:
    currency = common_currency(shapes, country=country)
    chosen = [(shape, choose_price(shape, country=country, currency=currency)) for shape in shapes]
    picked = {shape[place].currency for shape, place in chosen if place is not None}
    has_default = any(offer.is_default for shape in shapes for offer in shape)
    assert len(picked) <= 1 or not has_default
    for shape, place in chosen:
        assert place is None or shape[place].country in ("", country)

"""Card forms, appearances, ways back and languages of the payment page, by tables."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from haversack.payments.page.appearance import Appearance, Layout, appearance_of
from haversack.payments.page.languages import LANGUAGES, choose_language, language_of, open_language
from haversack.payments.page.returning import Ending, return_address, way_back
from haversack.payments.page.rules import (
    Brand,
    CardFields,
    Problem,
    brand_of,
    check_card,
    expiry_of,
    passes_luhn,
)

NOW = datetime(2026, 11, 21, tzinfo=UTC)
GOOD = {"number": "4111 1111 1111 1111", "expiry": "12/40", "cvv": "123"}
# Digits as keyboards for Japanese and Arabic write them.
FULL_WIDTH = {ord("0") + digit: 0xFF10 + digit for digit in range(10)}
ARABIC = {ord("0") + digit: 0x0660 + digit for digit in range(10)}


@pytest.mark.parametrize(
    ("number", "brand"),
    [
        ("4", Brand.VISA),
        ("5100", Brand.MASTERCARD),
        ("5555 5555", Brand.MASTERCARD),
        ("2221", Brand.MASTERCARD),
        ("2720", Brand.MASTERCARD),
        ("2721", Brand.UNKNOWN),
        ("2200", Brand.MIR),
        ("2204", Brand.MIR),
        ("2205", Brand.UNKNOWN),
        ("34", Brand.AMEX),
        ("37", Brand.AMEX),
        ("36", Brand.DINERS),
        ("3528", Brand.JCB),
        ("3589", Brand.JCB),
        ("6011", Brand.DISCOVER),
        ("65", Brand.DISCOVER),
        ("62", Brand.UNIONPAY),
        ("50", Brand.MAESTRO),
        ("9", Brand.UNKNOWN),
        ("", Brand.UNKNOWN),
    ],
)
def test_brands(number: str, brand: Brand) -> None:
    assert brand_of(number) is brand


def test_check_digit() -> None:
    for good in ("4111111111111111", "4111111111111152", "4423610000000007", "378282246310005"):
        assert passes_luhn(good)
        for place, digit in enumerate(good):
            wrong = good[:place] + str((int(digit) + 1) % 10) + good[place + 1 :]
            assert not passes_luhn(wrong)


@pytest.mark.parametrize(
    ("text", "expiry"),
    [
        ("12/40", (12, 2040)),
        ("12 / 40", (12, 2040)),
        ("1/40", (1, 2040)),
        ("1240", (12, 2040)),
        ("122040", (12, 2040)),
        ("12-2040", (12, 2040)),
        ("2040-12", (12, 2040)),
        ("13/40", None),
        ("00/40", None),
        ("12", None),
        ("12/4", None),
        ("12/40/1", None),
        ("soon", None),
        ("", None),
    ],
)
def test_expiry_dates(text: str, expiry: tuple[int, int] | None) -> None:
    assert expiry_of(text) == expiry


@pytest.mark.parametrize(
    ("changes", "country", "faults"),
    [
        ({}, "DE", {}),
        ({"expiry": "11/26"}, "DE", {}),  # good until the end of its month
        ({"expiry": "10/26"}, "DE", {"expiry": Problem.EXPIRY_PAST}),
        ({"expiry": "12/99"}, "DE", {"expiry": Problem.EXPIRY_WRONG}),
        ({"number": "4111-1111-1111-1111"}, "DE", {}),
        ({name: text.translate(FULL_WIDTH) for name, text in GOOD.items()}, "JP", {}),
        ({name: text.translate(ARABIC) for name, text in GOOD.items()}, "KW", {}),
        ({"number": "4111 1111 1111 111x"}, "DE", {"number": Problem.NUMBER_WRONG}),
        ({"number": "41"}, "DE", {"number": Problem.NUMBER_WRONG}),
        ({"number": "378282246310005"}, "DE", {"cvv": Problem.CVV_WRONG}),
        ({"number": "378282246310005", "cvv": "1234"}, "DE", {}),
        ({"cvv": "12345"}, "DE", {"cvv": Problem.CVV_WRONG}),
        ({"email": "a@b.cd"}, "DE", {}),
        ({"email": "a@b"}, "DE", {"email": Problem.EMAIL_WRONG}),
        ({"email": f"{'a' * 255}@b.cd"}, "DE", {"email": Problem.EMAIL_WRONG}),
        ({"zip": "10001"}, "US", {}),
        ({"zip": "10001-1234"}, "US", {}),
        ({"zip": "1000"}, "US", {"zip": Problem.ZIP_WRONG}),
        ({"zip": ""}, "US", {"zip": Problem.ZIP_MISSING}),
        ({"zip": "K1A 0B1"}, "CA", {}),
        ({"zip": "k1a0b1"}, "CA", {}),
        ({"zip": "10001"}, "CA", {"zip": Problem.ZIP_WRONG}),
        (
            {"number": "", "expiry": "", "cvv": ""},
            "DE",
            {"number": Problem.NUMBER_MISSING, "expiry": Problem.EXPIRY_MISSING, "cvv": Problem.CVV_MISSING},
        ),
    ],
)
def test_card_forms(changes: dict[str, str], country: str, faults: dict[str, Problem]) -> None:
    fields = CardFields(**{**GOOD, **changes})
    assert check_card(fields, country=country, asks_zip=country in ("US", "CA"), now=NOW) == faults


def test_numbers_are_in_no_repr() -> None:
    shown = repr(CardFields(**GOOD, zip="10001"))
    assert "4111" not in shown
    assert "123" not in shown


def test_appearance_by_default() -> None:
    assert appearance_of({}) == Appearance()
    assert appearance_of({"ui": {"theme": "63295a9a2e47fab76f7708e1", "desktop": None}}) == Appearance()


def test_embedded_pages_have_no_header_unless_asked() -> None:
    assert appearance_of({"ui": {"layout": "embed_column_reverse"}}).layout is Layout.EMBED_COLUMN_REVERSE
    assert not appearance_of({"ui": {"layout": "embed"}}).has_header
    asked = {"ui": {"layout": "embed", "desktop": {"header": {"is_visible": True}}}}
    assert appearance_of(asked).has_header


@pytest.mark.parametrize(
    ("target", "address"),
    [
        ("https://a.example/x", "https://a.example/x?user_id=u%201&foreigninvoice=e&invoice_id=4&status=done"),
        ("https://a.example?b=1#c", "https://a.example?b=1&user_id=u%201&foreigninvoice=e&invoice_id=4&status=done#c"),
        # What a studio's address says of these names is ours to say.
        ("https://a.example/?status=x", "https://a.example/?user_id=u%201&foreigninvoice=e&invoice_id=4&status=done"),
        ("app://xpayment.a.b", "app://xpayment.a.b?user_id=u%201&foreigninvoice=e&invoice_id=4&status=done"),
        ("javascript:alert(1)", None),
        ("JavaScript:alert(1)", None),
        ("data:text/html,x", None),
        (" vbscript:x", None),
        ("java\nscript:alert(1)", None),
        ("//a.example/x", None),
        ("/x", None),
        ("https:///x", None),
        ("https://[x", None),
        ("https://a.example\\@b.example", None),
        ("https://a.example/" + "x" * 1000, None),
        ("", None),
    ],
)
def test_return_addresses(target: str, address: str | None) -> None:
    assert return_address(target, user_id="u 1", external_id="e", invoice_id=4, status="done") == address


def test_leaving_early_says_no_status() -> None:
    left = return_address("https://a.example/", user_id="u", external_id="e", invoice_id=None, status=None)
    assert left == "https://a.example/?user_id=u"


@pytest.mark.parametrize(
    ("policy", "ending", "delay", "has_button"),
    [
        (None, Ending.SUCCESSFUL, None, True),
        (None, Ending.CANCELED, None, True),
        (None, Ending.UNSETTLED, None, True),
        ({"redirect_conditions": "successful", "delay": 3}, Ending.SUCCESSFUL, 3, True),
        ({"redirect_conditions": "successful", "delay": 3}, Ending.CANCELED, None, True),
        ({"redirect_conditions": "successful_or_canceled"}, Ending.CANCELED, 0, True),
        ({"redirect_conditions": "any", "delay": "7"}, Ending.UNSETTLED, 7, True),
        ({"redirect_conditions": "any", "delay": -1}, Ending.UNSETTLED, 0, True),
        ({"redirect_conditions": "none", "status_for_manual_redirection": "successful"}, Ending.SUCCESSFUL, None, True),
        ({"status_for_manual_redirection": "vc"}, Ending.SUCCESSFUL, None, True),
        ({"autoredirect_from_status_page": True}, Ending.SUCCESSFUL, 5, True),
        ({"autoredirect_from_status_page": "1", "delay": 2}, Ending.SUCCESSFUL, 2, True),
        ({"autoredirect_from_status_page": False}, Ending.SUCCESSFUL, None, True),
    ],
)
def test_redirect_policies(
    policy: dict[str, object] | None, ending: Ending, delay: int | None, has_button: bool
) -> None:
    settings = {"return_url": "https://a.example/", "redirect_policy": policy}
    way = way_back(settings, ending, user_id="u", invoice_id=1, status="done")
    assert way is not None
    assert (way.delay_seconds, way.has_button) == (delay, has_button)


@pytest.mark.parametrize(
    ("policy", "ending"),
    [
        ({"status_for_manual_redirection": "none"}, Ending.SUCCESSFUL),
        ({"status_for_manual_redirection": "successful"}, Ending.CANCELED),
        ({"status_for_manual_redirection": "successful_or_canceled"}, Ending.UNSETTLED),
    ],
)
def test_no_way_back(policy: dict[str, str], ending: Ending) -> None:
    settings = {"return_url": "https://a.example/", "redirect_policy": policy}
    assert way_back(settings, ending, user_id="u", invoice_id=1, status="done") is None


def test_captions() -> None:
    def caption(given: object) -> str | None:
        settings = {"return_url": "https://a.example/", "redirect_policy": {"redirect_button_caption": given}}
        way = way_back(settings, Ending.SUCCESSFUL, user_id="u", invoice_id=1, status="done")
        assert way is not None
        return way.caption

    assert caption("Back") == "Back"
    assert caption("  ") is None
    assert caption(7) is None
    assert len(caption("x" * 5000) or "") == 100


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("de", "de"),
        ("de-AT", "de"),
        ("pt_PT", "pt-BR"),
        ("cn", "zh-CN"),
        ("zh-Hans-CN", "zh-CN"),
        ("zh-TW", None),
        ("tw", None),
        ("EN-us", "en"),
        ("xx", None),
        ("", None),
        (None, None),
    ],
)
def test_codes_of_languages(code: str | None, language: str | None) -> None:
    assert language_of(code) == language


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("*", "en"),
        ("da, fr;q=0.9, de;q=0.95", "de"),
        ("fr;q=0, it;q=0.1", "it"),
        ("zh-TW, ko;q=0.3", "ko"),
        (";;;,q=1,,de;q=x", "en"),
        ("de;q=0.5, " * 10_000, "de"),
    ],
)
def test_what_browsers_accept(accepted: str | None, language: str) -> None:
    assert choose_language(None, "xx", accepted=accepted) == language


def test_wishes_come_before_what_browsers_accept() -> None:
    assert choose_language(None, "it", "fr", accepted="de") == "it"


@pytest.mark.parametrize(
    ("language", "currency", "amount", "written"),
    [
        ("en", "USD", "1234.5", "$1,234.50"),
        ("en", "JPY", "1200", "¥1,200"),
        ("en", "KWD", "1.234", "KWD 1.234"),
        # CLDR would round it to whole dinars; what is paid has two decimals.
        ("en", "RSD", "10.5", "RSD 10.50"),
        ("en", "USD", "-2", "-$2.00"),
        ("de", "EUR", "1234.5", "1.234,50 €"),
        ("ja", "JPY", "1200", "￥1,200"),
        ("pt-BR", "BRL", "9.9", "R$ 9,90"),
        ("en", "XCRY", "5", "5 XCRY"),
    ],
)
def test_amounts(language: str, currency: str, amount: str, written: str) -> None:
    shown = open_language(language).amount(Decimal(amount), currency)
    assert shown.replace("\u00a0", " ") == written


def test_amounts_by_code() -> None:
    assert open_language("de").amount(Decimal("9.5"), "USD", by_code=True) == "9,50\u00a0USD"


@pytest.mark.parametrize("code", LANGUAGES)
def test_countries_in_every_language(code: str) -> None:
    language = open_language(code)
    names = dict(language.countries())
    assert len(names) == 250
    assert [found for found, name in names.items() if name == found] == []
    assert language.country("XX") == "XX"

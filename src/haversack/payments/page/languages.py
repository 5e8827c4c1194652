"""The page's languages: which one a player reads, its catalogue of messages, and how it writes amounts and names.

Babel is imported when a page is first shown: it would cost every start of the server otherwise.
"""

import re
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from haversack.money import exponent

if TYPE_CHECKING:
    from babel import Locale

LOCALE_FOLDER = Path(__file__).parent / "locale"
DOMAIN = "paystation"
# As the page lists them, each by its own name.
LANGUAGES: dict[str, str] = {
    "en": "English",
    "de": "Deutsch",
    "es": "Español",
    "fr": "Français",
    "it": "Italiano",
    "ja": "日本語",
    "ko": "한국어",
    "pt-BR": "Português (Brasil)",
    "ru": "Русский",
    "zh-CN": "简体中文",
}
SOURCE_LANGUAGE = "en"
# What the wire and older SDKs call some of them.
_OTHER_NAMES = {"cn": "zh-CN", "zh": "zh-CN", "pt": "pt-BR", "br": "pt-BR", "kr": "ko", "jp": "ja"}
_RANGE = re.compile(r"\s*([A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?")
RANGES_MAX = 20
_CODE_BEFORE_FIGURE = re.compile(r"(?<=[A-Za-z])(?=\d)")


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """A language of the page: its code as HTML writes it, its messages, its locale."""

    code: str
    messages: NullTranslations
    locale: "Locale"

    def amount(self, amount: Decimal, currency: str, *, by_code: bool = False) -> str:
        """An amount as readers of this language write it, with the decimals that ISO 4217 gives its currency."""
        decimals = exponent(currency)
        if decimals is None:  # no currency of ISO 4217
            return f"{self.number(amount)}\u00a0{currency}"
        pattern = self.locale.currency_formats["standard"]
        if by_code:
            figures = self.locale.decimal_formats[None].apply(amount, self.locale, force_frac=(decimals, decimals))
            return f"{figures}\u00a0{currency}"
        written: str = pattern.apply(
            amount, self.locale, currency=currency, currency_digits=False, force_frac=(decimals, decimals)
        )
        # CLDR's symbol of some currencies is their code, which must not touch the figures.
        return _CODE_BEFORE_FIGURE.sub("\u00a0", written)

    def number(self, number: Decimal | int) -> str:
        """A plain number."""
        from babel.numbers import format_decimal

        return format_decimal(number, locale=self.locale)

    def percent(self, percent: Decimal) -> str:
        """Percents, such as a tax: `8.88%`."""
        from babel.numbers import format_percent

        return format_percent(percent / 100, locale=self.locale, decimal_quantization=False)

    def country(self, code: str) -> str:
        """A country's name; its code where this language has none."""
        return str(self.locale.territories.get(code, code))

    def countries(self) -> list[tuple[str, str]]:
        """Code and name of every country, ordered by name."""
        return _countries(self)


def language_of(code: str | None) -> str | None:
    """The page's language that a code such as `de`, `de-AT`, `pt_BR` or `cn` means; None where it has none."""
    if not code:
        return None
    parts = re.split("[-_]", code.strip().lower())
    # Traditional characters are no variant that readers of simplified ones can be given, nor the other way round.
    if parts[0] == "zh" and {"tw", "hk", "mo", "hant"} & set(parts[1:]):
        return None
    name = _OTHER_NAMES.get(parts[0], parts[0])
    return name if name in LANGUAGES else None


def choose_language(*wishes: str | None, accepted: str | None = None) -> str:
    """The first wish that the page can fulfil, else what the browser accepts (`Accept-Language`), else English."""
    for wish in wishes:
        found = language_of(wish)
        if found is not None:
            return found
    ranges: list[tuple[float, str]] = []
    for part in (accepted or "")[:500].split(",")[:RANGES_MAX]:
        fits = _RANGE.fullmatch(part)
        if fits:
            ranges.append((float(fits[2] or 1), fits[1]))
    for quality, code in sorted(ranges, key=lambda each: -each[0]):
        found = language_of(code) if quality > 0 else None
        if found is not None:
            return found
    return SOURCE_LANGUAGE


@cache
def open_language(code: str) -> Language:
    """A language by its code in LANGUAGES, read once in each process."""
    from babel import Locale

    return Language(code, _messages(code), Locale.parse(code, sep="-"))


def _messages(code: str) -> NullTranslations:
    """The messages of a catalogue. What is shipped is its text (.po): a compiled copy beside it could be an old one."""
    if code == SOURCE_LANGUAGE:
        return NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with catalogue_path(code).open("rb") as file:
        catalogue = read_po(file, locale=code.replace("-", "_"), domain=DOMAIN)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def catalogue_path(code: str) -> Path:
    """Where a language's catalogue lies."""
    return LOCALE_FOLDER / code.replace("-", "_") / "LC_MESSAGES" / f"{DOMAIN}.po"


@cache
def _countries(language: Language) -> list[tuple[str, str]]:
    from iso3166 import countries

    named = [(country.alpha2, language.country(country.alpha2)) for country in countries]
    return sorted(named, key=lambda each: _ordering(each[1]))


def _ordering(name: str) -> str:
    """Names under their plain letters: Åland and Österreich stand among A and O."""
    import unicodedata

    return "".join(each for each in unicodedata.normalize("NFKD", name) if not unicodedata.combining(each)).casefold()


# The language of the page that is being rendered, for the templates' gettext.
reading: ContextVar[Language] = ContextVar("reading")


def translate(message: str) -> str:
    """A message in the language of the page that is being rendered."""
    return reading.get().messages.gettext(message)


def translate_plural(singular: str, plural: str, number: int) -> str:
    """The form of a message that fits a number."""
    return reading.get().messages.ngettext(singular, plural, number)

"""Every message of the payment page is there in every language, whole and with its placeholders."""

import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from haversack.payments import paying, starting
from haversack.payments.outcomes import NOT_PAID, WENT_BACK
from haversack.payments.page.languages import LANGUAGES, LOCALE_FOLDER, SOURCE_LANGUAGE, catalogue_path
from haversack.payments.page.words import REASONS
from haversack.payments.providers import sandbox
from haversack.payments.providers.test_cards import TEST_CARDS

FOLDER = LOCALE_FOLDER.parent
TRANSLATED = [code for code in LANGUAGES if code != SOURCE_LANGUAGE]
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")
Message = str | tuple[str, ...]


@cache
def messages() -> frozenset[Message]:
    """What templates and modules ask translators for."""
    found = extract_from_dir(
        FOLDER,
        [("**.html", "jinja2"), ("**.py", "python")],
        {"**.html": {"newstyle_gettext": "true", "extensions": "jinja2.ext.i18n", "silent": "false"}},
        keywords={"_": None, "ngettext": (1, 2), "phrase": None},
    )
    return frozenset(message for _, _, message, _, _ in found)


def catalogue(code: str) -> Catalog:
    """A language's catalogue; a faulty line of it is an error."""
    with catalogue_path(code).open("rb") as file:
        return read_po(file, locale=code.replace("-", "_"), abort_invalid=True)


def placeholders(text: str) -> list[str]:
    """The places where values go, in order of their names."""
    return sorted(PLACEHOLDER.findall(text))


def test_messages_are_found() -> None:
    assert "Total" in messages()
    assert "Nothing was charged." in messages()
    assert ("Show %(num)d item", "Show %(num)d items") in messages()


@pytest.mark.parametrize("code", TRANSLATED)
def test_catalogue(code: str) -> None:
    held = {entry.id: entry for entry in catalogue(code) if entry.id}
    assert messages() - held.keys() == set(), "not in the catalogue"
    assert held.keys() - messages() == set(), "no longer asked for"
    faults = []
    forms = catalogue(code).num_plurals
    for message, entry in held.items():
        wanted = (message,) if isinstance(message, str) else message
        given = (entry.string,) if isinstance(entry.string, str) else tuple(entry.string)
        if entry.fuzzy or not all(given) or len(given) != (1 if isinstance(message, str) else forms):
            faults.append(f"{message}: not translated")
        elif any(placeholders(text) != placeholders(wanted[-1]) for text in given):
            faults.append(f"{message}: other placeholders")
        elif any(text != text.strip() or "--" in text for text in given):
            faults.append(f"{message}: spaces or dashes")
    assert not faults


def test_no_catalogue_without_a_language() -> None:
    folders = {path.parents[1].name for path in Path(LOCALE_FOLDER).rglob("*.po")}
    assert folders == {code.replace("-", "_") for code in TRANSLATED}


def test_reasons_of_payments_can_be_translated() -> None:
    # These modules speak English; the page translates what it shows of them.
    said = {card.reason for card in TEST_CARDS if card.reason}
    said |= {NOT_PAID, WENT_BACK, sandbox.CHALLENGE_FAILED, sandbox.UNKNOWN_CARD}
    said |= {starting.NOT_REACHED, starting.REPLACED, starting.NOTHING_TO_PAY, *starting.NOT_PAYABLE.values()}
    said |= {
        paying.NO_PROVIDER,
        paying.GAME_AWAY,
        paying.GAME_REFUSED,
        paying.CARD_UNKNOWN,
        paying.METHOD_UNKNOWN,
        paying.NO_CHALLENGE,
        paying.GIVEN_UP,
    }
    assert said - set(REASONS) == set()

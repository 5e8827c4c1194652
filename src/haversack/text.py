"""Translated texts: which languages there are, how their codes are written, and which text a caller reads."""

from collections.abc import Mapping

# The 26 languages of the wire, each with the one five-letter code that is taken for it.
FIVE_LETTER_CODES: dict[str, str] = {
    "en": "en-US",
    "ar": "ar-AE",
    "bg": "bg-BG",
    "cn": "zh-CN",
    "cs": "cs-CZ",
    "de": "de-DE",
    "es": "es-ES",
    "fr": "fr-FR",
    "he": "he-IL",
    "id": "id-ID",
    "it": "it-IT",
    "ja": "ja-JP",
    "km": "km-KH",
    "ko": "ko-KR",
    "lo": "lo-LA",
    "my": "my-MM",
    "ne": "ne-NP",
    "ph": "ph-PH",
    "pl": "pl-PL",
    "pt": "pt-BR",
    "ro": "ro-RO",
    "ru": "ru-RU",
    "th": "th-TH",
    "tr": "tr-TR",
    "tw": "zh-TW",
    "vi": "vi-VN",
}
LANGUAGES = tuple(FIVE_LETTER_CODES)
_LANGUAGE_OF_CODE = {code: language for language, code in FIVE_LETTER_CODES.items()} | {
    language: language for language in LANGUAGES
}
FALLBACK = "en"

# Language -> text. A language without a text is not in it.
Translations = Mapping[str, str]


def language_of(code: str) -> str | None:
    """The two-letter language of a two- or five-letter code; None for one that the wire does not know."""
    return _LANGUAGE_OF_CODE.get(code)


def normalised(texts: Mapping[str, str | None]) -> tuple[dict[str, str], list[str]]:
    """Texts under two-letter keys, the last of a language winning, and the keys that are no language.

    A null text removes its language.
    """
    known: dict[str, str] = {}
    unknown = []
    for code, text in texts.items():
        language = language_of(code)
        if language is None:
            unknown.append(code)
        elif text is None:
            known.pop(language, None)
        else:
            known[language] = text
    return known, unknown


def reading(texts: Translations, language: str) -> str:
    """The text for a reader: the asked language, else English, else the first that is filled, else nothing."""
    found = texts.get(language) or texts.get(FALLBACK)
    if found:
        return found
    return next((text for text in texts.values() if text), "")

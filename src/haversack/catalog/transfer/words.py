"""The words of seeded catalogs: names in several languages, sentences, attributes."""

from collections.abc import Mapping, Sequence
from random import Random

from haversack.text import Translations

Word = Mapping[str, str]

ADJECTIVES: Sequence[Word] = (
    {"en": "Amber", "de": "Bernsteinfarbene Ausgabe", "fr": "édition ambre", "es": "edición ámbar", "ja": "琥珀"},
    {"en": "Tidal", "de": "Gezeitenausgabe", "fr": "édition des marées", "es": "edición de marea", "ja": "潮"},
    {"en": "Silent", "de": "Stille Ausgabe", "fr": "édition silencieuse", "es": "edición silenciosa", "ja": "静寂"},
    {"en": "Gilded", "de": "Vergoldete Ausgabe", "fr": "édition dorée", "es": "edición dorada", "ja": "黄金"},
    {"en": "Northern", "de": "Nordausgabe", "fr": "édition du Nord", "es": "edición del norte", "ja": "北の"},
    {"en": "Ember", "de": "Glutausgabe", "fr": "édition braise", "es": "edición brasa", "ja": "残り火"},
    {"en": "Drowned", "de": "Versunkene Ausgabe", "fr": "édition engloutie", "es": "edición hundida", "ja": "水没"},
    {"en": "Clockwork", "de": "Uhrwerkausgabe", "fr": "édition mécanique", "es": "edición de relojería", "ja": "機械"},
    {"en": "Winter", "de": "Winterausgabe", "fr": "édition hiver", "es": "edición de invierno", "ja": "冬"},
    {"en": "Paper", "de": "Papierausgabe", "fr": "édition papier", "es": "edición de papel", "ja": "紙"},
    {"en": "Salt", "de": "Salzausgabe", "fr": "édition sel", "es": "edición de sal", "ja": "塩"},
    {"en": "Second-Hand", "de": "Gebrauchte Ausgabe", "fr": "édition d'occasion", "es": "edición usada", "ja": "中古"},
)
GOODS: Sequence[Word] = (
    {"en": "Lantern", "de": "Laterne", "fr": "Lanterne", "es": "Farol", "ja": "ランタン"},
    {"en": "Compass", "de": "Kompass", "fr": "Boussole", "es": "Brújula", "ja": "羅針盤"},
    {"en": "Cloak", "de": "Umhang", "fr": "Cape", "es": "Capa", "ja": "マント"},
    {"en": "Rope", "de": "Seil", "fr": "Corde", "es": "Cuerda", "ja": "ロープ"},
    {"en": "Teapot", "de": "Teekanne", "fr": "Théière", "es": "Tetera", "ja": "急須"},
    {"en": "Sail", "de": "Segel", "fr": "Voile", "es": "Vela", "ja": "帆"},
    {"en": "Map", "de": "Karte", "fr": "Carte", "es": "Mapa", "ja": "地図"},
    {"en": "Boots", "de": "Stiefel", "fr": "Bottes", "es": "Botas", "ja": "長靴"},
    {"en": "Whistle", "de": "Pfeife", "fr": "Sifflet", "es": "Silbato", "ja": "笛"},
    {"en": "Anchor", "de": "Anker", "fr": "Ancre", "es": "Ancla", "ja": "錨"},
    {"en": "Spyglass", "de": "Fernrohr", "fr": "Longue-vue", "es": "Catalejo", "ja": "望遠鏡"},
    {"en": "Potion", "de": "Trank", "fr": "Potion", "es": "Poción", "ja": "薬"},
)
CURRENCIES: Sequence[Word] = (
    {"en": "Crystals", "de": "Kristalle", "fr": "Cristaux", "es": "Cristales", "ja": "クリスタル"},
    {"en": "Coins", "de": "Münzen", "fr": "Pièces", "es": "Monedas", "ja": "コイン"},
    {"en": "Pearls", "de": "Perlen", "fr": "Perles", "es": "Perlas", "ja": "真珠"},
)
GAMES: Sequence[Word] = (
    {"en": "Harbour", "de": "Hafen", "fr": "Le Port", "es": "El puerto", "ja": "港"},
    {"en": "Orchard", "de": "Obstgarten", "fr": "Le Verger", "es": "El huerto", "ja": "果樹園"},
    {"en": "Observatory", "de": "Sternwarte", "fr": "L'Observatoire", "es": "El observatorio", "ja": "天文台"},
)
PARCELS: Sequence[Word] = ({"en": "Poster"}, {"en": "Enamel Pin"}, {"en": "Art Book"}, {"en": "Mug"})
POINTS: Sequence[Word] = ({"en": "Renown"}, {"en": "Season Points"})

OPENINGS = (
    "Made for long nights",
    "Older than it looks",
    "Found where nobody looked",
    "Won at cards, honestly",
    "Mended more often than sold",
)
ENDINGS = (
    "and worth the walk.",
    "and lighter than last year's.",
    "which is more than its maker can say.",
    "though the cat disagrees.",
    "with a warranty of one tide.",
)
TRANSLATED: Sequence[Word] = (
    {"de": "Für lange Nächte gemacht.", "fr": "Pour les longues nuits.", "es": "Para noches largas."},
    {"de": "Älter, als es aussieht.", "fr": "Plus ancien qu'il n'y paraît.", "es": "Más antiguo de lo que parece."},
)

ATTRIBUTES: Mapping[str, Sequence[str]] = {
    "rarity": ("common", "uncommon", "rare", "storied", "one-of-a-kind"),
    "slot": ("hand", "head", "feet", "deck", "pocket"),
    "season": ("spring", "summer", "autumn", "winter"),
    "maker": ("salt-and-sons", "the-twins", "nobody"),
    "element": ("wind", "water", "ember", "stone"),
}
GROUPS = (
    "Light",
    "Travel",
    "Clothing",
    "Kitchen",
    "Boats",
    "Music",
    "Weather",
    "Letters",
    "Animals",
    "Gardens",
    "Repairs",
    "Festivals",
)


def name(random: Random, nouns: Sequence[Word], *, all_languages: bool) -> Translations:
    """A name in English, or in every language that both words have."""
    noun, adjective = random.choice(nouns), random.choice(ADJECTIVES)
    texts = {"en": f"{adjective['en']} {noun['en']}"}
    if all_languages:
        for language in noun.keys() & adjective.keys() - {"en"}:
            joined = f"{adjective[language]}{noun[language]}" if language == "ja" else None
            texts[language] = joined or f"{noun[language]}, {adjective[language]}"
    return dict(sorted(texts.items()))


def description(random: Random, *, all_languages: bool = False) -> Translations:
    """A sentence in English, and others in other languages."""
    texts = {"en": f"{random.choice(OPENINGS)}, {random.choice(ENDINGS)}"}
    return {**random.choice(TRANSLATED), **texts} if all_languages else texts


def group_name(number: int) -> str:
    """The name of a group, by its number."""
    round_, place = divmod(number, len(GROUPS))
    return GROUPS[place] if not round_ else f"{GROUPS[place]} {round_ + 1}"

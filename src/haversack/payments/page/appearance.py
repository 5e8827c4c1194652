"""How the page looks: what `settings.ui` of a token says, with the documented defaults and the values of older SDKs."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

# The two themes of the wire, by id, and what SDKs of earlier pages send.
DARK_THEMES = frozenset({"63295aab2e47fab76f7708e3", "dark", "default_dark", "ps4-default-dark"})
CURRENCY_CODE = "code"


class Layout(StrEnum):
    """Where the summary stands. The `embed` ones are for a frame of the studio's own page: one column, no header."""

    ROW = "row"
    COLUMN_REVERSE = "column_reverse"
    EMBED = "embed"
    EMBED_COLUMN_REVERSE = "embed_column_reverse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearance:
    """What templates ask of the settings.

    shows_name, shows_purchase: in the header. warns_on_close: leaving asks first. has_open_cart: on a phone, the lines
    of the purchase are unfolded. has_currency_code: amounts as `9.99 USD`. lists_methods: no method is chosen yet.
    """

    is_dark: bool = False
    layout: Layout = Layout.ROW
    has_header: bool = True
    shows_logo: bool = True
    shows_name: bool = True
    shows_purchase: bool = True
    is_compact: bool = False
    has_close: bool = False
    warns_on_close: bool = True
    has_open_cart: bool = False
    has_currency_code: bool = False
    lists_methods: bool = False

    @property
    def is_embedded(self) -> bool:
        """Whether the page stands inside of another one by its own settings."""
        return self.layout in (Layout.EMBED, Layout.EMBED_COLUMN_REVERSE)

    @property
    def is_reversed(self) -> bool:
        """Whether the summary comes after the form."""
        return self.layout in (Layout.COLUMN_REVERSE, Layout.EMBED_COLUMN_REVERSE)


def appearance_of(settings: Mapping[str, Any]) -> Appearance:
    """Read `settings.ui`. A value of another type than documented counts as absent: a page is shown in any case."""
    ui = _part(settings, "ui")
    header = _part(ui, "desktop", "header")
    layout = ui.get("layout")
    known = Layout(layout) if isinstance(layout, str) and layout in set(Layout) else Layout.ROW
    embedded = known in (Layout.EMBED, Layout.EMBED_COLUMN_REVERSE)
    closes = header.get("close_button") is True or _part(ui, "mobile", "header").get("close_button") is True
    theme = ui.get("theme")
    return Appearance(
        is_dark=isinstance(theme, str) and theme.lower() in DARK_THEMES,
        layout=known,
        has_header=_flag(header, "is_visible", otherwise=not embedded),
        shows_logo=_flag(header, "visible_logo", otherwise=True),
        shows_name=_flag(header, "visible_name", otherwise=True),
        shows_purchase=_flag(header, "visible_purchase", otherwise=True),
        is_compact=header.get("type") == "compact",
        has_close=closes,
        warns_on_close=_flag(ui, "is_show_close_widget_warning", otherwise=True),
        has_open_cart=_flag(ui, "is_cart_open_by_default", otherwise=False),
        has_currency_code=ui.get("currency_format") == CURRENCY_CODE,
        lists_methods=_flag(ui, "is_payment_methods_list_mode", otherwise=False),
    )


def _part(value: Any, *steps: str) -> Mapping[str, Any]:
    """A nested object; an empty one where it, or anything on the way, is none."""
    for step in steps:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _flag(values: Mapping[str, Any], name: str, *, otherwise: bool) -> bool:
    value = values.get(name)
    return value if isinstance(value, bool) else otherwise

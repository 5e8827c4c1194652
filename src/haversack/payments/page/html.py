"""Renders the page's templates in the player's language, and the headers that they carry."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse

from haversack.payments.page import languages

STATIC_FOLDER = Path(__file__).parent / "static"
# The mount of app.py under which the folder is served.
STATIC_PREFIX = "/paystation4/static/"

# Nothing that does not come from this server is run, shown or sent to ...
_OURS = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "connect-src 'self'; base-uri 'none'; frame-ancestors "
)
# ... but for projects whose card numbers go to Stripe alone: its script must come from its own host.
PROVIDER_SCRIPT = "https://js.stripe.com/v3/"
_WITH_PROVIDER = (
    "default-src 'none'; script-src 'self' https://js.stripe.com https://*.js.stripe.com; style-src 'self'; "
    "img-src 'self' data:; form-action 'self'; connect-src 'self' https://api.stripe.com; "
    "frame-src https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com; base-uri 'none'; "
    "frame-ancestors "
)
# The page knows its player by the token in its address alone, no cookie: who frames it can do nothing with it that the
# holder of the token could not. So any site may, over https; the operator may name the only ones that may.
ANY_SITE = "https: http://127.0.0.1:* http://localhost:*"


def page_headers(frame_sites: tuple[str, ...] | None = None, *, provider_script: bool = False) -> dict[str, str]:
    """The headers of every page. frame_sites: who may frame it; an empty list: nobody; None: any site."""
    ancestors = ANY_SITE if frame_sites is None else " ".join(frame_sites) or "'none'"
    return {
        "Content-Security-Policy": (_WITH_PROVIDER if provider_script else _OURS) + ancestors,
        # Addresses carry the token. Not `no-referrer`: browsers would send our own forms with `Origin: null`.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
        "Cache-Control": "no-store",
    }


@cache
def static(name: str) -> str:
    """The address of a shipped file, with a version that changes with its bytes."""
    digest = hashlib.sha256((STATIC_FOLDER / name).read_bytes()).hexdigest()[:10]
    return f"{STATIC_PREFIX}{name}?v={digest}"


@cache
def environment() -> Environment:
    """The templates. Their messages are read in the language that `render_page` sets."""
    made = Environment(
        loader=PackageLoader("haversack.payments.page"),
        autoescape=select_autoescape(default=True),
        # An amount that is not there must not be shown as nothing.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_callables(  # type: ignore[attr-defined]
        languages.translate, languages.translate_plural, newstyle=True
    )
    made.globals["static"] = static
    return made


def render_page(
    template: str, language: languages.Language, *, headers: dict[str, str], status: int = 200, **values: Any
) -> HTMLResponse:
    """A page from a template of `templates/`."""
    before = languages.reading.set(language)
    try:
        text = environment().get_template(template).render(lang=language.code, **values)
    finally:
        languages.reading.reset(before)
    return HTMLResponse(text, status_code=status, headers={**headers, "Content-Language": language.code})

"""Renders templates, and the headers that every page carries."""

import hashlib
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.responses import HTMLResponse

from haversack.pages.shipped import FOLDERS

# No page runs or shows anything that does not come from this server, and none can be framed.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PAGE_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    # Not `no-referrer`: browsers would send our own forms with `Origin: null`.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@cache
def _static(name: str) -> str:
    """The address of a shipped file, with a version that changes with its bytes."""
    digest = hashlib.sha256((FOLDERS["/static/"] / name).read_bytes()).hexdigest()[:10]
    return f"/static/{name}?v={digest}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("haversack.pages"),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = _static
    return environment


def render_page(
    template: str, *, status: int = 200, headers: dict[str, str] | None = None, **values: Any
) -> HTMLResponse:
    """A page from a template of `pages/templates`."""
    text = _environment().get_template(template).render(status=status, **values)
    return HTMLResponse(text, status_code=status, headers={**PAGE_HEADERS, **(headers or {})})


def render_error(status: int, *, reference: str | None, headers: dict[str, str] | None = None) -> HTMLResponse:
    """A page that says in words what went wrong."""
    return render_page("error.html", status=status, headers=headers, player=None, csrf_token="", reference=reference)

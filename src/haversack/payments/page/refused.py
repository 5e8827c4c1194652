"""Pages that say in words why there is nothing to pay here, and what to do."""

from collections.abc import Mapping

from starlette.responses import HTMLResponse

from haversack.payments.page.appearance import Appearance
from haversack.payments.page.html import page_headers, render_page
from haversack.payments.page.languages import SOURCE_LANGUAGE, open_language
from haversack.payments.page.words import FAULTS, Fault

_FAULT_OF_STATUS: Mapping[int, Fault] = {
    403: Fault.FORM,
    404: Fault.TOKEN,
    429: Fault.PACE,
    503: Fault.AWAY,
}


def render_fault(
    fault: Fault,
    *,
    status: int,
    language: str = SOURCE_LANGUAGE,
    reference: str | None = None,
    frame_sites: tuple[str, ...] | None = None,
    headers: dict[str, str] | None = None,
) -> HTMLResponse:
    """A page about a fault, in one of the page's languages."""
    opened = open_language(language)
    title, text = FAULTS[fault]
    return render_page(
        "refused.html",
        opened,
        headers={**page_headers(frame_sites), **(headers or {})},
        status=status,
        fault=fault,
        title=opened.messages.gettext(title),
        text=opened.messages.gettext(text),
        reference=reference,
        look=Appearance(),
        languages=[],
        shop_name="",
        is_sandbox=False,
        close=None,
        signal={"command": "error", "status": None, "invoice": None, "user_id": ""},
        country_code=None,
    )


def render_error(status: int, *, reference: str | None, headers: dict[str, str] | None = None) -> HTMLResponse:
    """The page for a refusal that came before a visit was opened: its language is not known."""
    fault = _FAULT_OF_STATUS.get(status, Fault.ADDRESS if status < 500 else Fault.BROKEN)
    return render_fault(fault, status=status, reference=reference, headers=headers)

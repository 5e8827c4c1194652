"""A visit of the payment page: the purchase that a token opens, the player's language, and the page's addresses."""

from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from starlette.responses import HTMLResponse, RedirectResponse, Response

from haversack.errors import PAYMENT_FORM_FOREIGN, PAYMENT_TOKEN_UNKNOWN, Refusal
from haversack.http.browsers import is_from_elsewhere
from haversack.http.calls import PublicCall
from haversack.payments.page.appearance import Appearance, appearance_of
from haversack.payments.page.html import page_headers, render_page
from haversack.payments.page.languages import LANGUAGES, Language, choose_language, open_language
from haversack.payments.page.refused import render_fault
from haversack.payments.page.words import Fault
from haversack.payments.paying import Session, open_session, reload_session
from haversack.payments.tokens import TOKEN_LENGTH_MAX

PAGE = "/paystation4"
STATUS = "/paystation4/status"
LEAVE = "/paystation4/leave"
SANDBOX_STEP = "/pages/sandbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request of a player with a token. `token`: as it stands in the address, and in every form."""

    call: PublicCall
    session: Session
    token: str = field(repr=False)
    chosen_language: str | None
    language: Language
    look: Appearance

    def address(self, path: str, **query: str) -> str:
        """A page of this visit."""
        given = {"token": self.token, **query}
        if self.chosen_language is not None:
            given.setdefault("lang", self.chosen_language)
        return f"{path}?{urlencode(given)}"

    def languages(self, path: str, **query: str) -> list[dict[str, str]]:
        """The page in every language."""
        return [
            {"code": code, "name": name, "address": self.address(path, **query, lang=code)}
            for code, name in LANGUAGES.items()
        ]

    @property
    def headers(self) -> dict[str, str]:
        """The headers of its pages."""
        settings = self.call.context.settings
        return page_headers(settings.payment_page_frames, provider_script=self.session.publishable_key is not None)

    def redirect(self, path: str, **query: str) -> Response:
        """Lead on to another page of the visit."""
        headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        return RedirectResponse(self.address(path, **query), status_code=303, headers=headers)

    def text(self, message: str) -> str:
        """A message in the player's language."""
        return self.language.messages.gettext(message)


async def open_visit(call: PublicCall, token: str | None, lang: str | None) -> "Visit | HTMLResponse":
    """The visit that a token opens; a page that says what to do where it opens nothing."""
    accepted = call.request.headers.get("accept-language")
    if not token or len(token) > TOKEN_LENGTH_MAX:
        return _no_visit(call, choose_language(lang, accepted=accepted))
    try:
        session = await open_session(call.context, token)
    except Refusal as refusal:
        if refusal.kind is not PAYMENT_TOKEN_UNKNOWN:
            raise
        return _no_visit(call, choose_language(lang, accepted=accepted))
    settings = session.token.settings
    chosen = lang if lang in LANGUAGES else None
    language = choose_language(chosen, *_said(settings.get("language"), settings.get("locale")), accepted=accepted)
    return Visit(
        call=call,
        session=session,
        token=token,
        chosen_language=chosen,
        language=open_language(language),
        look=appearance_of(settings),
    )


async def reopen(visit: Visit) -> Visit:
    """The same visit with the purchase as it stands now."""
    return replace(visit, session=await reload_session(visit.call.context, visit.session))


def _said(*values: object) -> list[str]:
    return [value for value in values if isinstance(value, str)]


def _no_visit(call: PublicCall, language: str) -> HTMLResponse:
    frames = call.context.settings.payment_page_frames
    return render_fault(Fault.TOKEN, status=404, language=language, frame_sites=frames)


def render_visit(visit: Visit, template: str, path: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """A page of a visit, with what the frame of every page needs."""
    session = visit.session
    values.setdefault(
        "signal",
        {"command": "page", "status": None, "invoice": None, "user_id": session.token.external_id},
    )
    return render_page(
        template,
        visit.language,
        headers=visit.headers,
        status=status,
        **{
            "languages": visit.languages(path),
            "look": visit.look,
            "shop_name": session.project.name,
            "is_sandbox": session.is_sandbox,
            "country_code": session.country,
            "close": None,
            "token": visit.token,
            **values,
        },
    )


def check_origin(call: PublicCall) -> None:
    """Refuse a form that another site has sent. The token in it is what proves the player; this keeps other sites
    from trying tokens with a player's browser."""
    if is_from_elsewhere(call.request, call.context.settings.public_url):
        raise PAYMENT_FORM_FOREIGN()

"""Where the player goes after the page: the return address with its documented parameters, by itself or by a button."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

# Addresses that run something in our page instead of leading away from it.
UNSAFE_SCHEMES = frozenset({"javascript", "data", "vbscript", "blob", "file", "about", "filesystem", "view-source"})
ADDRESS_LENGTH_MAX = 1000
DELAY_SECONDS_MAX = 600
CAPTION_LENGTH_MAX = 100
# Legacy policies switch the automatic way by a flag of its own; they knew no delay shorter than this.
LEGACY_DELAY_SECONDS = 5


class Ending(StrEnum):
    """How a visit of the page has ended, as far as returning is concerned."""

    SUCCESSFUL = "successful"
    CANCELED = "canceled"
    UNSETTLED = "unsettled"  # failed, or not known yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How to go back. delay_seconds None: by the button alone. caption None: our own words for it."""

    address: str
    delay_seconds: int | None
    has_button: bool
    caption: str | None


_CONDITIONS: Mapping[str, frozenset[Ending]] = {
    "none": frozenset(),
    # Purchases of virtual currency end the same way as all others here.
    "vc": frozenset({Ending.SUCCESSFUL}),
    "successful": frozenset({Ending.SUCCESSFUL}),
    "successful_or_canceled": frozenset({Ending.SUCCESSFUL, Ending.CANCELED}),
    "any": frozenset(Ending),
}


def way_back(
    settings: Mapping[str, Any], ending: Ending, *, user_id: str, invoice_id: int | None, status: str | None
) -> Way | None:
    """How a player whose visit ended so may return; None: there is nowhere to go, or the policy says no.

    Without a policy a button is always there and nothing happens by itself.
    """
    policy = settings.get("redirect_policy")
    policy = policy if isinstance(policy, Mapping) else {}
    target = settings.get("return_url") or policy.get("return_url")
    external = settings.get("external_id")
    address = return_address(
        target if isinstance(target, str) else "",
        user_id=user_id,
        external_id=external if isinstance(external, str | int) else None,
        invoice_id=invoice_id,
        status=status,
    )
    if address is None:
        return None
    by_itself = ending in _CONDITIONS.get(str(policy.get("redirect_conditions")), frozenset())
    delay = _delay(policy.get("delay"))
    if policy.get("autoredirect_from_status_page") in (True, 1, "1", "true") and "redirect_conditions" not in policy:
        by_itself, delay = ending is Ending.SUCCESSFUL, delay or LEGACY_DELAY_SECONDS
    has_button = ending in _CONDITIONS.get(
        str(policy.get("status_for_manual_redirection", "any")), frozenset({Ending.SUCCESSFUL})
    )
    if not by_itself and not has_button:
        return None
    caption = policy.get("redirect_button_caption")
    return Way(
        address=address,
        delay_seconds=delay if by_itself else None,
        # While it waits to go by itself, a button saves the wait.
        has_button=True if by_itself else has_button,
        caption=caption.strip()[:CAPTION_LENGTH_MAX] or None if isinstance(caption, str) else None,
    )


def return_address(
    target: str, *, user_id: str, external_id: str | int | None, invoice_id: int | None, status: str | None
) -> str | None:
    """The studio's address with `user_id`, `foreigninvoice`, `invoice_id` and `status` added to its own query.

    status None (left early): `status` and `foreigninvoice` are left out. None for an address that cannot be gone to.
    """
    target = target.strip()
    if not target or len(target) > ADDRESS_LENGTH_MAX or any(ord(letter) < 33 for letter in target):
        return None
    try:
        parts = urlsplit(target)
    except ValueError:
        return None
    if not parts.scheme or parts.scheme.lower() in UNSAFE_SCHEMES or "\\" in target:
        return None
    if parts.scheme.lower() in ("http", "https") and not parts.hostname:
        return None
    added = {"user_id": user_id}
    if status is not None and external_id not in (None, ""):
        added["foreigninvoice"] = str(external_id)
    if invoice_id is not None:
        added["invoice_id"] = str(invoice_id)
    if status is not None:
        added["status"] = status
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in added]
    query = urlencode([*kept, *added.items()], quote_via=quote)
    # `app://xpayment.game` stays what it is: urlunsplit writes no `?` into addresses of schemes it does not know.
    bare = urlunsplit(parts._replace(query="", fragment=""))
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    return f"{bare}?{query}{fragment}"


def _delay(value: Any) -> int:
    if isinstance(value, str) and value.strip().isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return min(max(value, 0), DELAY_SECONDS_MAX)

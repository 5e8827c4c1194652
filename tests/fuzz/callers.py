"""Who the generated requests come from, and what they are about: the demo of a running `haversack dev`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import requests
from schemathesis import Case

from haversack.demo.seed import Demo
from haversack.http.area import Operation
from haversack.http.calls import AdminCall, GuestCall, HostCall, MerchantCall, PlayerCall, PublicCall, ServerCall

# Nothing listens here: generated addresses lead nowhere else.
NOWHERE = "http://127.0.0.1:9/"
NAMES_KEPT_MAX = 50


@dataclass(slots=True)
class Demonstration:
    """A running server with its demo: credentials, and the names of what exists."""

    url: str
    demo: Demo
    player_token: str
    server_token: str
    # What generated requests have made, by the names under which requests speak of it.
    seen: dict[str, list[Any]]

    @classmethod
    def of(cls, url: str, demo: Demo, player_token: str) -> "Demonstration":
        """With a server token of the demo's client."""
        form = {
            "grant_type": "client_credentials",
            "client_id": str(demo.client_id),
            "client_secret": demo.client_secret,
        }
        reply = requests.post(f"{url}/api/oauth2/token", data=form, timeout=30)
        return cls(url, demo, player_token, reply.json()["access_token"], {})

    def sign(self, operation: Operation, case: Case) -> None:
        """Give a request the credentials that its operation asks for."""
        demo, headers = self.demo, case.headers
        basic: Callable[[str, str], str] = requests.auth._basic_auth_str  # type: ignore[assignment]
        if operation.caller in (PlayerCall, GuestCall):
            headers["Authorization"] = f"Bearer {self._token_of_player(operation)}"
        elif operation.caller is ServerCall:
            headers["X-SERVER-AUTHORIZATION"] = self.server_token
        elif operation.caller is HostCall:
            headers["Authorization"] = f"Bearer {self.server_token}"
            headers["X-HOST-ID"] = demo.host_id
        elif operation.caller is AdminCall:
            headers["Authorization"] = basic(str(demo.project_id), demo.api_key)
        elif operation.caller is MerchantCall:
            headers["Authorization"] = basic(str(demo.merchant_id), demo.merchant_key)
        else:
            assert operation.caller is PublicCall, f"nobody signs as {operation.caller.__name__}"

    def _token_of_player(self, operation: Operation) -> str:
        if operation.name != "log_user_out":
            return self.player_token
        # Its sessions end for good: a player of its own.
        reply = requests.post(
            f"{self.url}/api/login/device/android",
            params={"projectId": self.demo.login_project_id},
            json={"device": "Pixel", "device_id": uuid4().hex},
            timeout=30,
        )
        return str(reply.json()["token"])

    def bring_home(self, case: Case, choice: int) -> None:
        """Let a request speak of what exists: the demo's project and player, and what earlier requests have made."""
        self._put(case.path_parameters, case, choice)
        self._put(case.query, case, choice)
        if isinstance(case.body, dict):
            self._put(case.body, case, choice)

    def _put(self, values: Any, case: Case, choice: int) -> None:
        for name in list(values or ()):
            known = self._known(name, case, choice)
            if known is not None and isinstance(values[name], str | int):
                values[name] = known

    def _known(self, name: str, case: Case, choice: int) -> Any:
        demo = self.demo
        match name:
            case "project_id" | "projectId" | "publisher_project_id":
                is_login = case.path.startswith("/api/") and "/project/" not in case.path
                return demo.login_project_id if is_login and name != "publisher_project_id" else demo.project_id
            case "merchant_id" | "publisher_id":
                return demo.merchant_id
            case "client_id":
                return demo.client_id
            case "client_secret":
                return demo.client_secret
            case "user_id":
                return demo.player_id
        found = self.seen.get(_short(name))
        return found[choice % len(found)] if found else None

    def remember(self, value: Any) -> None:
        """Keep the names in an answer for later requests."""
        if isinstance(value, list):
            for each in value:
                self.remember(each)
        elif isinstance(value, dict):
            for name, each in value.items():
                if isinstance(each, str | int) and not isinstance(each, bool) and _is_name(name):
                    kept = self.seen.setdefault(_short(name), [])
                    if each not in kept and len(kept) < NAMES_KEPT_MAX:
                        kept.append(each)
                else:
                    self.remember(each)


def _is_name(name: str) -> bool:
    return name.endswith(("id", "sku")) or name in ("code", "external_id")


def _short(name: str) -> str:
    """`item_sku`, `itemSku` and `sku` speak of one thing."""
    return "sku" if name.lower().endswith("sku") else name


def keep_at_home(value: Any) -> Any:
    """A body whose addresses lead nowhere: what is generated must not reach other machines."""
    if isinstance(value, dict):
        return {name: keep_at_home(each) for name, each in value.items()}
    if isinstance(value, list):
        return [keep_at_home(each) for each in value]
    if isinstance(value, str) and "//" in value:
        try:
            is_elsewhere = urlsplit(value.strip()).hostname != "127.0.0.1"
        except ValueError:
            return value
        return NOWHERE if is_elsewhere else value
    return value

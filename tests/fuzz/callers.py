"""Who the generated requests come from, and what they are about: the demo of a running `haversack dev`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import requests
from schemathesis import Case

from fuzz.requests_made import SEEDS, SKU_OF_PATH
from haversack.demo.seed import Demo
from haversack.http.area import Operation
from haversack.http.calls import (
    AdminCall,
    BuyerCall,
    GuestCall,
    HostCall,
    MerchantCall,
    PlayerCall,
    PublicCall,
    ServerCall,
    ShopperCall,
    StudioCall,
)
from make import catalog

NAMES_KEPT_MAX = 50
# Without these no request gets far.
NEEDED_IN_QUERY = ("client_id", "response_type", "state", "projectId", "sessions")


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
        made = cls(url, demo, player_token, reply.json()["access_token"], {})
        made._seed()
        return made

    def _seed(self) -> None:
        """Make one item of each kind, and remember them and what the demo's player holds."""
        items = f"{self.url}/api/v2/project/{self.demo.project_id}/admin/items"
        key = (str(self.demo.project_id), self.demo.api_key)
        for kind, body in SEEDS.items():
            reply = requests.post(f"{items}/{catalog.PATHS[kind]}", json=body(), auth=key, timeout=30)
            assert reply.status_code == 201, reply.text
            self.remember(requests.get(f"{items}/{catalog.PATHS[kind]}", auth=key, timeout=30).json())
        player = {"Authorization": f"Bearer {self.player_token}"}
        self.remember(requests.get(f"{self.url}/web/backpack/items", headers=player, timeout=30).json())

    def sign(self, operation: Operation, case: Case) -> None:
        """Give a request the credentials that its operation asks for."""
        demo, headers = self.demo, case.headers
        basic: Callable[[str, str], str] = requests.auth._basic_auth_str  # type: ignore[assignment]
        if operation.caller in (PlayerCall, GuestCall, BuyerCall, ShopperCall):
            headers["Authorization"] = f"Bearer {self._token_of_player(operation)}"
        elif operation.caller is ServerCall:
            headers["X-SERVER-AUTHORIZATION"] = self.server_token
        elif operation.caller is HostCall:
            headers["Authorization"] = f"Bearer {self.server_token}"
            headers["X-HOST-ID"] = demo.host_id
        elif operation.caller in (AdminCall, StudioCall):
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
        if choice % 2 and case.query:
            case.query = {name: value for name, value in case.query.items() if name in NEEDED_IN_QUERY}
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
        if _short(name) == "sku" and choice % 4:
            return next((sku for part, sku in SKU_OF_PATH if part in case.path), None)
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

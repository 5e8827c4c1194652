"""Wire models of the webhook settings."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from haversack.http.wire import WireModel
from haversack.outbound.addresses import URL_LENGTH_MAX
from haversack.webhooks.records import Endpoint

SECRET_LENGTH_MAX = 255


class UpdateWebhookBody(WireModel):
    """Where the project's webhooks go."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(min_length=1, max_length=URL_LENGTH_MAX)]
    secret: Annotated[str, Field(min_length=1, max_length=SECRET_LENGTH_MAX, description="signs every webhook")]
    is_enabled: bool
    version: Annotated[
        Literal[1, 2] | None,
        Field(description="2 adds is_free, is_bonus and is_bundle_content to items; absent: stays as it is"),
    ] = None


class WebhookView(WireModel):
    """Where the project's webhooks go."""

    url: str
    secret: str
    is_enabled: bool

    @classmethod
    def of(cls, endpoint: Endpoint) -> "WebhookView":
        """The endpoint as its owner sees it."""
        return cls(url=endpoint.url, secret=endpoint.secret, is_enabled=endpoint.is_enabled)

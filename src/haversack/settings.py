"""Every setting of the server, typed, read from the environment (or a `.env` file) and checked at start."""

from enum import StrEnum
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Mode(StrEnum):
    """Who the process serves: a developer's laptop, or players."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """Settings, each settable as HAVERSACK_<NAME>. `docs/running.md` explains them to operators."""

    model_config = SettingsConfigDict(env_prefix="HAVERSACK_", env_file=".env", extra="ignore", frozen=True)

    mode: Mode = Mode.PRODUCTION
    database_url: SecretStr | None = Field(None, description="postgresql:// address; unset: an embedded server")
    database_connections: int = Field(
        10, ge=2, le=200, description="connections each process may hold for its requests"
    )
    data_folder: Path = Field(Path(".haversack"), description="embedded database, picture cache, demo keys")
    encryption_key: SecretStr | None = Field(None, description="encrypts secrets at rest; 32+ random characters")
    public_url: str = Field("http://127.0.0.1:8044", description="address under which players and games reach us")
    host: str = "127.0.0.1"
    port: int = Field(8044, ge=0, le=65535)
    body_bytes_max: int = Field(
        1_000_000, ge=1_000, description="largest request body, where an operation says no other"
    )

    outbound_allow_loopback: bool = Field(False, description="let webhooks and pictures reach this machine")
    outbound_allow_private: tuple[str, ...] = Field((), description="private networks that may be reached, as CIDR")
    outbound_allow_http: bool = Field(False, description="take plain http addresses too; loopback implies it")
    ask_timeout_seconds: float = Field(5.0, gt=0, le=60, description="how long a game may take to answer a question")
    delivery_timeout_seconds: float = Field(15.0, gt=0, le=120, description="how long a webhook receiver may take")

    payment_page_frames: tuple[str, ...] | None = Field(
        None, description="the only sites that may frame the payment page, such as https://example.com; [] for none"
    )

    log_level: str = "info"

    @field_validator("public_url")
    @classmethod
    def without_trailing_slash(cls, value: str) -> str:
        """Addresses are made by appending paths."""
        return value.rstrip("/")

    @property
    def is_development(self) -> bool:
        """Whether demo keys, local webhook targets and friendlier errors are allowed."""
        return self.mode is Mode.DEVELOPMENT

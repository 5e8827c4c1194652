"""Bodies, queries and views of signing in, tokens and keys."""

from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from haversack.http.wire import WireModel
from haversack.login import rules
from haversack.login.actions.attributes import ChangedAttribute
from haversack.login.actions.sign_in import CodeRequest
from haversack.login.records import AttributeType, Permission, PublicKey, TokenSet
from haversack.login.signing import base64_of
from haversack.login.wire.fields import AttributeKey, ClientId, Token


class CodeQuery(WireModel):
    """What the OAuth 2.0 sign-in calls carry in their query."""

    response_type: Literal["code"]
    client_id: ClientId
    state: str | None = Field(None, max_length=2048, description="required, at least 8 characters")
    redirect_uri: str | None = Field(None, max_length=2048)
    scope: str = Field("", max_length=255)
    audience: str | None = Field(None, max_length=255)
    payload: str | None = Field(None, max_length=1024)
    locale: str | None = Field(None, max_length=20)
    code_challenge: str | None = Field(None, pattern=r"^[A-Za-z0-9_-]{43}$", description="PKCE, S256")
    code_challenge_method: Literal["S256"] | None = None

    def request(self) -> CodeRequest:
        """What is asked for."""
        return CodeRequest(
            client_id=self.client_id,
            state=self.state,
            redirect_uri=self.redirect_uri,
            scope=self.scope,
            audience=self.audience,
            payload=self.payload,
            code_challenge=self.code_challenge,
        )


class CredentialsBody(WireModel):
    """A name and a password."""

    username: str = Field(min_length=1, max_length=255)
    password: str = Field(min_length=1, max_length=1024)


class RegistrationBody(WireModel):
    """A new account. `fields` and `accept_consent` are taken from all SDKs and not used."""

    username: str = Field(min_length=3, max_length=255)
    password: str = Field(min_length=6, max_length=100)
    email: str = Field(min_length=1, max_length=255)
    accept_consent: bool | None = None
    promo_email_agreement: Literal[0, 1] = 1
    fields: Any = None


class DeviceBody(WireModel):
    """A device that signs in by its id."""

    device: str = Field(max_length=100)
    device_id: str = Field(min_length=16, max_length=36)


class SocialProfileBody(WireModel):
    """The account of a platform that comes with a server's id."""

    user_id: str = Field(min_length=1, max_length=255)
    platform: str = Field(min_length=1, max_length=32, pattern=r"^[a-z0-9_]+$")


class CustomIdAttributeBody(WireModel):
    """An attribute that is set with a sign-in. `read_only` makes it a server's attribute, whatever its type says."""

    key: AttributeKey
    value: Any
    attr_type: AttributeType
    permission: Permission
    read_only: bool = False

    @model_validator(mode="after")
    def check_value(self) -> Self:
        """The value becomes a text, so it must be one value."""
        found = rules.text_of_value(self.value)
        if found is None or len(found[0]) > 256:
            raise ValueError("value must be a text, a number or a boolean of at most 256 characters")
        return self

    def record(self) -> ChangedAttribute:
        """The attribute that is set."""
        found = rules.text_of_value(self.value)
        assert found is not None, "the value was checked"
        value, data_type = found
        return ChangedAttribute(
            key=self.key,
            value=value,
            permission=self.permission,
            attr_type=AttributeType.SERVER if self.read_only else self.attr_type,
            data_type=data_type,
        )


class CustomIdSignInBody(WireModel):
    """A player whom a server knows by an id of its own."""

    server_custom_id: str = Field(min_length=1, max_length=256)
    attributes: list[CustomIdAttributeBody] = Field([], max_length=rules.ATTRIBUTES_MAX)
    social_profile: SocialProfileBody | None = None


class _Form(WireModel):
    """A form. Its texts may hold what no JSON body gets past the reader: the NUL character, which cannot be stored."""

    @field_validator("*")
    @classmethod
    def check_characters(cls, value: object) -> object:
        """Refuse the NUL character in every field."""
        if isinstance(value, str) and "\x00" in value:
            raise ValueError("must not contain the NUL character")
        return value


class TokenForm(_Form):
    """The form of the token endpoint; each grant type needs members of its own."""

    grant_type: Literal[
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:token_exchange",
    ]
    client_id: str = Field(pattern=r"^[0-9]{1,10}$")
    client_secret: str | None = Field(None, max_length=255)
    redirect_uri: str | None = Field(None, max_length=2048)
    code: str | None = Field(None, max_length=255)
    refresh_token: str | None = Field(None, max_length=255)
    code_verifier: str | None = Field(None, pattern=r"^[A-Za-z0-9._~-]{43,128}$")
    scope: str = Field("", max_length=255, description="token_exchange: the scope of the new token")
    subject_token: str | None = Field(None, max_length=8192, description="token_exchange: the player's token")


class RevocationForm(_Form):
    """A token that shall open nothing any more."""

    token: Token
    client_id: str | None = Field(None, pattern=r"^[0-9]{1,10}$")
    client_secret: str | None = Field(None, max_length=255)


class TokenBody(WireModel):
    """A token to be checked."""

    token: Token


class LoginUrlView(WireModel):
    """Where to return to, with `code` and `state` in the query."""

    login_url: str


class TokenView(WireModel):
    """A player's token."""

    token: str


class TokensView(WireModel):
    """Tokens. `refresh_token` is empty unless the scope was `offline`: SDKs want the member in any case."""

    access_token: str
    expires_in: int = Field(description="seconds")
    refresh_token: str
    token_type: Literal["bearer"]
    scope: str

    @classmethod
    def of(cls, tokens: TokenSet) -> Self:
        """The answer of the token endpoint."""
        return cls(
            access_token=tokens.access_token,
            expires_in=tokens.expires_in,
            refresh_token=tokens.refresh_token,
            token_type="bearer",  # noqa: S106  (a kind of token, not a token)
            scope=tokens.scope,
        )


class KeyView(WireModel):
    """A public key whose numbers are hexadecimal, as the Go SDK reads them; no JWK library can."""

    alg: Literal["RS256"]
    e: str = Field(pattern="^[0-9a-f]+$")
    n: str = Field(pattern="^[0-9a-f]+$")
    kid: str
    kty: Literal["RSA"]
    use: Literal["sig"]

    @classmethod
    def of(cls, key: PublicKey) -> Self:
        """A key of the list."""
        return cls(alg="RS256", e=key.exponent, n=key.modulus, kid=key.kid, kty="RSA", use="sig")


class WebKeyView(WireModel):
    """A public key as RFC 7517 has it: numbers in base64url."""

    alg: Literal["RS256"]
    e: str
    n: str
    kid: str
    kty: Literal["RSA"]
    use: Literal["sig"]


class WebKeySetView(WireModel):
    """A JWK Set."""

    keys: list[WebKeyView]

    @classmethod
    def of(cls, keys: Sequence[PublicKey]) -> Self:
        """The set of the keys that verify."""
        return cls(
            keys=[
                WebKeyView(
                    alg="RS256",
                    e=base64_of(key.exponent),
                    n=base64_of(key.modulus),
                    kid=key.kid,
                    kty="RSA",
                    use="sig",
                )
                for key in keys
            ]
        )

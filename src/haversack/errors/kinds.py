"""What an error is: a kind with its name, status, code and sentence, and what a family of operations shares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Formatter


@dataclass(frozen=True, slots=True)
class Fault:
    """One faulty field: where it stands (`body.0.item_sku`) and what is wrong with it."""

    property: str
    message: str


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """One line of the catalogue. Calling it with the sentence's values gives the exception to raise."""

    name: str
    status: int
    code: int | str
    sentence: str

    def __call__(
        self,
        *,
        faults: Sequence[Fault] = (),
        retry_after: int | None = None,
        extended: Mapping[str, object] | None = None,
        **values: object,
    ) -> "Refusal":
        return Refusal(self, self.sentence.format(**values), tuple(faults), retry_after, extended)

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The names that the sentence wants."""
        return tuple(name for _, name, _, _ in Formatter().parse(self.sentence) if name)


class Refusal(Exception):
    """A request that cannot be fulfilled, for a reason of the catalogue."""

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        faults: tuple[Fault, ...] = (),
        retry_after: int | None = None,
        extended: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.faults = faults
        self.retry_after = retry_after
        # Values for the caller's program, where the contract has them in place of the list of faults.
        self.extended = extended
        # Where a bug's trace stands in the log.
        self.reference: str | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """The kinds of error that any operation of one wire family may answer, beside those it declares itself.

    maps_faults: faulty fields stand in an object by their names, not in a list.
    """

    name: str
    invalid: ErrorKind
    unauthorized: ErrorKind
    not_found: ErrorKind
    method_not_allowed: ErrorKind
    too_large: ErrorKind
    unsupported_media: ErrorKind
    conflict: ErrorKind
    key_reused: ErrorKind
    too_many: ErrorKind
    unavailable: ErrorKind
    internal: ErrorKind
    maps_faults: bool = False

    @property
    def implied(self) -> tuple[ErrorKind, ...]:
        """What need not be declared: it may happen to every operation."""
        return (
            self.method_not_allowed,
            self.too_large,
            self.unsupported_media,
            self.conflict,
            self.key_reused,
            self.too_many,
            self.unavailable,
            self.internal,
        )


def make_family(
    name: str,
    *,
    prefix: str,
    codes: dict[str, int | str],
    invalid_status: int,
    invalid_sentence: str = "The request is not valid: {summary}",
) -> Family:
    """The kinds that all families have, with each family's own codes and forms."""

    def kind(what: str, status: int, sentence: str) -> ErrorKind:
        return ErrorKind(f"{name}.{what}", status, codes.get(what, 0), codes_prefix(what) + sentence)

    def codes_prefix(what: str) -> str:
        code = codes.get(what)
        return f"[{prefix}-{code}]: " if prefix and code else ""

    return Family(
        name=name,
        invalid=kind("invalid", invalid_status, invalid_sentence),
        unauthorized=kind("unauthorized", 401, "{reason}"),
        not_found=kind("route_not_found", 404, "There is no {method} {path} here."),
        method_not_allowed=kind("method_not_allowed", 405, "Method is not allowed. Method must be one of: {methods}"),
        too_large=kind("too_large", 413, "The body is larger than the {limit} bytes that this call takes."),
        unsupported_media=kind("unsupported_media", 415, "This call takes a body of type {expected}; it got {actual}."),
        conflict=kind(
            "request_in_progress",
            409,
            "A request with this Idempotency-Key is still being worked on. Repeat it in a moment.",
        ),
        key_reused=kind(
            "idempotency_key_reused",
            422,
            "This Idempotency-Key was used for another request: {difference}. Use a new key for a new request.",
        ),
        too_many=kind("too_many_requests", 429, "Too many requests. Try again in {seconds} s."),
        unavailable=kind(
            "unavailable",
            503,
            "The server cannot reach its database at the moment. Try again in a few seconds.",
        ),
        internal=kind("internal", 500, "Something went wrong on the server. Its log has it under {reference}."),
    )

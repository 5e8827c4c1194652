"""How a refusal looks on the wire: one envelope for each family."""

import json
import logging
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import orjson
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.responses import Response

from haversack.errors import (
    LOGIN,
    MERCHANT,
    PAGE,
    PAYMENT_PAGE,
    PAYSTATION,
    STORE,
    ErrorKind,
    Family,
    Fault,
    Refusal,
)
from haversack.http.wire import WireModel
from haversack.pages.html import render_error
from haversack.payments.page.refused import render_error as render_payment_error

log = logging.getLogger("haversack.problems")

FAULTS_SHOWN_MAX = 50


class FaultView(WireModel):
    """One faulty field."""

    property: str
    message: str


class BackpackProblem(WireModel):
    """An error of the Backpack calls."""

    message_id: str | None = Field(description="id under which the server's log has this answer")
    message: str
    errors: list[FaultView] = Field([], description="every faulty field, where the request was not valid")


class LoginProblemBody(WireModel):
    """What went wrong."""

    code: str
    description: str
    details: dict[str, Any] = Field({}, description="`errors`: every faulty field, where the request was not valid")


class LoginProblem(WireModel):
    """An error of the Login calls."""

    error: LoginProblemBody


class StoreProblem(WireModel):
    """An error of the Catalog, LiveOps and Inventory calls."""

    statusCode: int
    errorCode: int
    errorMessage: str
    transactionId: str
    errorMessageExtended: list[FaultView] | dict[str, Any] = Field([], description="every fault, where there are more")


class MerchantProblem(WireModel):
    """An error of the merchant API: tokens and refunds."""

    http_status_code: int
    message: str
    extended_message: dict[str, Any] | None = Field(description="`property_errors`: fields with their faults")
    request_id: str


class PaystationFault(WireModel):
    """One thing that went wrong."""

    message: str
    support_code: str


class PaystationProblem(WireModel):
    """An error of what clients ask the payment page's back end."""

    errors: list[PaystationFault]


PROBLEM_MODELS: dict[str, type[BaseModel]] = {
    "backpack": BackpackProblem,
    "login": LoginProblem,
    "store": StoreProblem,
    "merchant": MerchantProblem,
    "paystation": PaystationProblem,
}


def render(family: Family, refusal: Refusal, *, request_id: str) -> Response:
    """The answer that a refusal gets in a family of the wire; browsers get a page."""
    headers = {"Retry-After": str(refusal.retry_after)} if refusal.retry_after is not None else None
    if family is PAGE:
        return render_error(refusal.kind.status, reference=refusal.reference, headers=headers)
    if family is PAYMENT_PAGE:
        return render_payment_error(refusal.kind.status, reference=refusal.reference, headers=headers)
    body = encoded_problem(family, refusal, request_id=request_id)
    return Response(body, status_code=refusal.kind.status, headers=headers, media_type="application/json")


def encoded_problem(family: Family, refusal: Refusal, *, request_id: str) -> bytes:
    """The envelope as it is sent."""
    body = problem_body(family, refusal, request_id=request_id)
    try:
        return orjson.dumps(body)
    except TypeError:
        # It repeats a number as its sender wrote it, with more than 64 bits.
        return json.dumps(body).encode()


def problem_body(family: Family, refusal: Refusal, *, request_id: str) -> dict[str, Any]:
    """The envelope as plain values."""
    kind = refusal.kind
    faults = [{"property": fault.property, "message": fault.message} for fault in refusal.faults[:FAULTS_SHOWN_MAX]]
    if family is LOGIN:
        error: dict[str, Any] = {"code": str(kind.code), "description": refusal.message}
        if faults:
            error["details"] = {"errors": faults}
        return {"error": error}
    if family.name == STORE.name:
        store = {
            "statusCode": kind.status,
            "errorCode": kind.code,
            "errorMessage": refusal.message,
            "transactionId": request_id,
        }
        named = {fault["property"]: fault["message"] for fault in faults} if family.maps_faults else faults
        extended = refusal.extended or named
        return {**store, "errorMessageExtended": extended} if extended else store
    if family is MERCHANT:
        by_field: dict[str, list[str]] = {}
        for fault in refusal.faults[:FAULTS_SHOWN_MAX]:
            by_field.setdefault(fault.property, []).append(fault.message)
        return {
            "http_status_code": kind.status,
            "message": refusal.message,
            "extended_message": {"property_errors": by_field} if by_field else None,
            "request_id": request_id,
        }
    if family is PAYSTATION:
        return {"errors": [{"message": refusal.message, "support_code": str(kind.code or "00010000")}]}
    backpack: dict[str, Any] = {"message_id": request_id, "message": refusal.message}
    return {**backpack, "errors": faults} if faults else backpack


def invalid(kind: ErrorKind, faults: Sequence[Fault]) -> Refusal:
    """One refusal that names every faulty field."""
    shown = "; ".join(f"{fault.property}: {fault.message}" for fault in faults[:FAULTS_SHOWN_MAX])
    if len(faults) > FAULTS_SHOWN_MAX:
        shown += f"; and {len(faults) - FAULTS_SHOWN_MAX} more"
    return kind(faults=faults, summary=shown)


def faults_of(error: RequestValidationError) -> list[Fault]:
    """The faulty fields that Pydantic found, each by its path in the request."""
    faults: dict[str, str] = {}
    for found in error.errors():
        if found["type"] == "json_invalid":
            where, message = "body", f"not valid JSON: {found['ctx']['error']}"
        else:
            # The first step names the place (body, query, path); the rest is the field as its sender wrote it.
            steps = [str(step) for step in found["loc"][1:]] or [str(found["loc"][0])]
            where, message = ".".join(steps), str(found["msg"]).removeprefix("Value error, ")
        faults.setdefault(where, message)
    return [Fault(where, message) for where, message in faults.items()]


def internal_error(family: Family, error: Exception) -> Refusal:
    """A bug becomes one 500 with a reference number; the trace goes to the log alone."""
    reference = uuid4().hex[:12]
    log.error("unexpected error, reference %s", reference, exc_info=error)
    refusal = family.internal(reference=reference)
    refusal.reference = reference
    return refusal

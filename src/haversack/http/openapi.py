"""The served document: FastAPI's, with our security schemes, error answers and headers said once."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from haversack import __version__
from haversack.http.area import WRITING, Operation, Repeat
from haversack.http.problems import PROBLEM_MODELS

SECURITY_SCHEMES: dict[str, Any] = {
    "basicAuth": {
        "type": "http",
        "scheme": "basic",
        "description": "project_id or merchant_id, and an API key",
    },
    "basicMerchantAuth": {
        "type": "http",
        "scheme": "basic",
        "description": "merchant_id, and an API key of all its projects",
    },
    "player": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "a player's token"},
    "guest": {
        "type": "apiKey",
        "in": "header",
        "name": "x-unauthorized-id",
        "description": "an id that the client made up; with it goes x-user, an e-mail address in base64",
    },
    "server": {
        "type": "apiKey",
        "in": "header",
        "name": "X-SERVER-AUTHORIZATION",
        "description": "a server token (client credentials)",
    },
    "serverBearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "a server token",
    },
}
SECURITY_OF_CALLER: dict[str, list[dict[str, list[str]]]] = {
    "PublicCall": [],
    "GuestCall": [{"player": []}, {"basicAuth": []}, {}],
    "PlayerCall": [{"player": []}],
    "BuyerCall": [{"player": []}],
    "ShopperCall": [{"player": []}, {"guest": []}],
    "ServerCall": [{"server": []}],
    "HostCall": [{"serverBearer": []}],
    "AdminCall": [{"basicAuth": []}],
    "MerchantCall": [{"basicMerchantAuth": []}],
    "StudioCall": [{"basicAuth": []}],
}
# Those whose merchant or project stands in the path.
CALLERS_OF_PATHS = ("HostCall", "AdminCall", "MerchantCall", "StudioCall", "GuestCall", "BuyerCall", "ShopperCall")
HOST_ID_PARAMETER = {
    "name": "X-HOST-ID",
    "in": "header",
    "required": True,
    "description": "the host id issued for the project",
    "schema": {"type": "string", "format": "uuid"},
}
IDEMPOTENCY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "repeats of a request with one key have one effect and get the first answer",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


def responses_of(operation: Operation) -> dict[int | str, dict[str, Any]]:
    """The answers for FastAPI's declaration: further successes, and the refusals grouped by status."""
    responses: dict[int | str, dict[str, Any]] = {status: {} for status in operation.statuses[1:]}
    by_status: dict[int, list[str]] = {}
    for kind in operation.allowed_errors:
        sentences = by_status.setdefault(kind.status, [])
        if kind.sentence not in sentences:
            sentences.append(kind.sentence)
    for status in sorted(by_status):
        responses[status] = {"description": " · ".join(by_status[status])}
    return responses


def build_document(app: FastAPI, operations: Sequence[Operation], *, server_url: str) -> dict[str, Any]:
    """The OpenAPI document of an application with the routes of these operations, and no others."""
    document = get_openapi(
        title="Haversack",
        version=__version__,
        summary="Game commerce on the wire of the Backpack, Catalog, LiveOps, Inventory and Login APIs",
        routes=app.routes,
        servers=[{"url": server_url}],
    )
    components = document.setdefault("components", {})
    components["securitySchemes"] = SECURITY_SCHEMES
    schemas = components.setdefault("schemas", {})
    schemas.update(_problem_schemas())
    # FastAPI declares its own validation answer for each operation; ours are declared by family.
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for operation in operations:
        entry = document["paths"][operation.path][operation.method.lower()]
        # Said here and not to FastAPI, which would make a model field of each operation's every refusal.
        problem = _reference(PROBLEM_MODELS[operation.family.name])
        for kind in operation.allowed_errors:
            entry["responses"][str(kind.status)]["content"] = {"application/json": {"schema": problem}}
        entry["security"] = SECURITY_OF_CALLER[operation.caller.__name__]
        if operation.answer_type is None:
            # FastAPI would promise JSON where there is no body, or one of another type.
            entry["responses"][str(operation.status)].pop("content", None)
        if operation.media_type is not None:
            content = {operation.media_type: {"schema": {"type": "string"}}}
            entry["responses"][str(operation.status)]["content"] = content
        parameters = entry.setdefault("parameters", [])
        if operation.caller.__name__ == "HostCall":
            parameters.append(HOST_ID_PARAMETER)
        if operation.method in WRITING and operation.repeat is not Repeat.NEVER:
            parameters.append(IDEMPOTENCY_PARAMETER)
        if operation.caller.__name__ in CALLERS_OF_PATHS:
            _name_path_parameters(operation, parameters)
        if not parameters:
            del entry["parameters"]
    return document


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _problem_schemas() -> dict[str, Any]:
    """The schemas of the error envelopes and of their parts."""
    modes: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (model, "serialization") for model in PROBLEM_MODELS.values()
    ]
    _, document = models_json_schema(modes, ref_template="#/components/schemas/{model}")
    schemas: dict[str, Any] = document["$defs"]
    return schemas


def _name_path_parameters(operation: Operation, parameters: list[dict[str, Any]]) -> None:
    """Merchant and project are read from the path by the caller's check, not by the function: say so all the same."""
    known = {parameter["name"] for parameter in parameters}
    for name in ("merchant_id", "project_id"):
        if f"{{{name}}}" in operation.path and name not in known:
            schema = {"type": "integer", "minimum": 1, "maximum": 2**31 - 1}
            parameters.append({"name": name, "in": "path", "required": True, "schema": schema})

"""The parts that the operations of the OpenAPI document share: schemas, answers, headers, parameters."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from schemas.json_schemas import SCHEMA_NAMES, SchemaName, json_schema

Document = dict[str, Any]

_EXAMPLE_TRACE = "019aa61c5d8b7c3e9f0a1b2c3d4e5f60"

_RETRY_AFTER = {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}}
_CHALLENGE = {"WWW-Authenticate": {"$ref": "#/components/headers/Challenge"}}
_ALLOW = {"Allow": {"$ref": "#/components/headers/Allow"}}

# Status: what it means, an example of code and message, headers beside X-Scoring-Id.
_ENDINGS: Mapping[int, tuple[str, str, str, Document]] = {
    400: (
        "Not JSON, not a scoring request, ragged rows, duplicate fields, or a parameter that can't be read.",
        "invalid_request",
        "The row has 2 cells, expected are 3.",
        {},
    ),
    401: ("No credential, or a wrong one.", "unauthenticated", "The user name or the password is wrong.", _CHALLENGE),
    403: (
        "The role of the client may not do this.",
        "forbidden",
        "This route needs a client with the role monitor.",
        {},
    ),
    404: (
        "No deployment has this id, or no engine this name.",
        "unknown_deployment",
        "There is no deployment with this id: GET /v1/deployments lists them.",
        {},
    ),
    405: ("The path is right, the method is not.", "method_not_allowed", "Use POST here.", _ALLOW),
    413: (
        "The body is larger than `server.max_body_mb`.",
        "body_too_large",
        "The body is larger than 64 MB: send fewer rows at a time.",
        {},
    ),
    415: (
        "The body is announced as something else than JSON.",
        "unsupported_content_type",
        "Send the body as application/json.",
        {},
    ),
    422: (
        "The deployment can't take it: a missing column, a cell that its endpoint can't hold, or no configuration.",
        "unprocessable_request",
        "The column LoanAmount is missing.",
        {},
    ),
    429: ("Too much is in flight.", "overloaded", "Too much is in flight: try again in a second.", _RETRY_AFTER),
    500: ("A fault of the gateway's own.", "gateway_error", "The gateway has failed at this request.", {}),
    502: (
        "The engine refused, or answered with an error or with something that is no prediction.",
        "engine_refused",
        "The engine refused the request with status 400.",
        {},
    ),
    503: (
        "The engine can't be reached or throttles, the payload log can't take the record, or discovery is under way.",
        "engine_unavailable",
        "The engine can't be reached.",
        _RETRY_AFTER,
    ),
    504: ("The engine did not answer in time.", "engine_timeout", "The engine did not answer within 60 s.", {}),
}


def components() -> Document:
    """Return the `components` of the document."""
    return {
        "schemas": _schemas(),
        "responses": {_response_name(status): _error_response(status) for status in _ENDINGS},
        "headers": _headers(),
        "parameters": _parameters(),
        "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
    }


def schema(name: str) -> Document:
    """Refer to a schema: `Discovery`, or a definition in it: `DiscoveryDeployment`."""
    return {"$ref": f"#/components/schemas/{name}"}


def errors(statuses: Iterable[int]) -> Document:
    """Refer to the answers with these statuses."""
    return {
        str(status): {"$ref": f"#/components/responses/{_response_name(status)}"} for status in sorted(set(statuses))
    }


def parameter(name: str) -> Document:
    """Refer to a parameter."""
    return {"$ref": f"#/components/parameters/{name}"}


def header(name: str) -> Document:
    """Refer to a header."""
    return {"$ref": f"#/components/headers/{name}"}


def json_content(body: Document, examples: Iterable[Any] = ()) -> Document:
    """Describe a JSON body, with examples."""
    media: Document = {"schema": body}
    named = {f"example{k}": {"value": value} for k, value in enumerate(examples, 1)}
    return {"application/json": media | ({"examples": named} if named else {})}


def _schemas() -> Document:
    schemas: Document = {}
    for name in SCHEMA_NAMES:
        whole = json_schema(name)
        definitions = whole.pop("$defs", {})
        for key in ("$schema", "$id"):
            del whole[key]
        schemas[_pascal(name)] = _moved(whole, name)
        schemas |= {_pascal(name) + _pascal(key): _moved(part, name) for key, part in definitions.items()}
    return schemas


def _moved(part: Any, name: SchemaName) -> Any:
    """Point the references of a published schema to where its definitions are here."""
    if isinstance(part, list):
        return [_moved(item, name) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        key: schema(_pascal(name) + _pascal(value.removeprefix("#/$defs/")))["$ref"]
        if key == "$ref"
        else _moved(value, name)
        for key, value in part.items()
    }


def _pascal(name: str) -> str:
    return "".join(word.capitalize() for word in name.replace("_", "-").split("-"))


def _response_name(status: int) -> str:
    return HTTPStatus(status).phrase.replace(" ", "").replace("-", "")


def _error_response(status: int) -> Document:
    description, code, message, headers = _ENDINGS[status]
    example = {"errors": [{"code": code, "message": message}], "trace": _EXAMPLE_TRACE}
    return {
        "description": description,
        "headers": {"X-Scoring-Id": header("ScoringId"), **headers},
        "content": json_content(schema("Error"), [example]),
    }


def _headers() -> Document:
    return {
        "ScoringId": {
            "description": "Id of the call: row n of it is known to OpenScale as `<id>-<n>`, n from 1.",
            "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        },
        "TransactionId": {
            "description": "The caller's own id, where it sent one.",
            "schema": {"type": "string"},
        },
        "RetryAfter": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}},
        "Challenge": {"description": "The credential to send.", "schema": {"type": "string"}},
        "Allow": {"description": "The methods of this path.", "schema": {"type": "string"}},
    }


def _parameters() -> Document:
    return {
        "DeploymentId": _path("deployment_id", "Public id of the deployment.", "^[A-Za-z0-9-]{1,128}$", "credit-risk"),
        "Engine": _path("engine", "Name of an engine in the configuration.", "^[A-Za-z0-9][A-Za-z0-9_-]*$", "aws"),
        "TransactionId": {
            "name": "X-Global-Transaction-Id",
            "in": "header",
            "description": "The caller's own id: recorded and echoed; empty: none.",
            "schema": {"type": "string", "pattern": "^[ -~]{0,128}$"},
        },
    }


def _path(name: str, description: str, pattern: str, example: str) -> Document:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string", "pattern": pattern},
        "example": example,
    }

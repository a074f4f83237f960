"""The OpenAPI 3.1 document of /v1, made from the table of endpoints and the types of their bodies.

`python -m ostro.api.openapi FILE` writes the committed copy.
"""

import sys
from collections.abc import Sequence
from functools import cache
from inspect import cleandoc
from pathlib import Path
from typing import Any

import msgspec

from ostro import __version__
from ostro.api.endpoints import Endpoint, paths_of
from ostro.api.v1 import families, jobs, server, tasks, tokens, workers, workflows
from ostro.api.v1.definitions import endpoints as definitions
from ostro.api.v1.definitions import environments
from ostro.protocol import paths
from ostro.protocol.problems import MEDIA_TYPE, Problem
from ostro.protocol.workers import PROTOCOL

ENDPOINTS: tuple[Endpoint, ...] = (
    *workflows.ENDPOINTS,
    *families.ENDPOINTS,
    *tasks.ENDPOINTS,
    *jobs.ENDPOINTS,
    *definitions.ENDPOINTS,
    *environments.ENDPOINTS,
    *workers.ENDPOINTS,
    *tokens.ENDPOINTS,
    *server.ENDPOINTS,
)
"""All of /v1. The document itself needs no token, as health: it tells nothing of anybody."""

_REF = "#/components/schemas/{name}"
_PROBLEMS = {
    400: "The request cannot be read.",
    401: "No token, or one that does not count.",
    403: "The token may not do this.",
    404: "There is no such thing.",
    409: "The present state forbids it.",
    410: "It was deleted.",
    413: "It is larger than a limit.",
    422: "The request is wrong; `fields` says where.",
    429: "Above a limit of rate or capacity.",
    503: "The database cannot be reached now.",
}


@cache
def document() -> bytes:
    """The document as JSON, keys in a stable order."""
    return msgspec.json.format(msgspec.json.encode(_dedented(_document(ENDPOINTS))), indent=2) + b"\n"


def _document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    kinds = [Problem, *(kind for e in endpoints for kind in (e.body, e.answer) if kind is not None)]
    _, components = msgspec.json.schema_components(list(dict.fromkeys(kinds)), ref_template=_REF)
    table: dict[str, Any] = {
        path: {endpoint.method.lower(): _operation(endpoint) for endpoint in some}
        for path, some in paths_of(endpoints).items()
    }
    table[paths.OPENAPI] = {"get": _itself()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ostro",
            "version": __version__,
            "description": "A durable, dynamic workflow service. Unknown request fields are refused; "
            f"clients ignore unknown response fields. The worker's protocol is version {PROTOCOL}.",
        },
        "security": [{"token": []}],
        "paths": table,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _dedented(schema: Any) -> Any:
    """Descriptions come from docstrings, which some Pythons keep indented."""
    if isinstance(schema, dict):
        return {
            key: cleandoc(value) if key == "description" and isinstance(value, str) else _dedented(value)
            for key, value in schema.items()
        }
    return [_dedented(value) for value in schema] if isinstance(schema, list) else schema


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "tags": [endpoint.path.split("/")[2]],
        "parameters": [*_path_parameters(endpoint), *_query_parameters(endpoint)],
        "responses": _responses(endpoint),
    }
    if endpoint.allowed is None:
        operation["security"] = []
    else:
        operation["description"] = f"For tokens of kind {', '.join(sorted(endpoint.allowed))}."
    if endpoint.once:
        operation["parameters"].append(_idempotency_key())
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": not endpoint.optional_body,
            "content": {"application/json": {"schema": _reference(endpoint.body)}},
        }
    return operation


def _path_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in endpoint.path.split("/") if part.startswith("{")]
    described = {"task": "Its name, percent-encoded, or its id."}
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string"}
            if name in {"task", "token"}
            else {"type": "string", "format": "uuid"},
            "description": described.get(name, "Its id."),
        }
        for name in names
    ]


def _query_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    (reference,), components = msgspec.json.schema_components([endpoint.query], ref_template=_REF)
    schema = components[reference["$ref"].rpartition("/")[2]]
    parameters = []
    for name, kind in schema["properties"].items():
        parameter = {"name": name, "in": "query", "required": False, "schema": _inlined(kind, components)}
        parameters.append(parameter)
    return parameters


def _inlined(schema: Any, components: dict[str, Any]) -> Any:
    """A parameter's schema without references and without null: absent is absent."""
    if isinstance(schema, list):
        return [_inlined(one, components) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(components[schema["$ref"].rpartition("/")[2]], components)
    kept = {key: _inlined(value, components) for key, value in schema.items() if key != "anyOf"}
    choices = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    if len(choices) == 1:
        kept.pop("default", None)
        kept = {**_inlined(choices[0], components), **kept}
    return kept


def _responses(endpoint: Endpoint) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status in sorted({endpoint.status, *endpoint.more_statuses}):
        responses[str(status)] = {"description": "Done." if status != 202 else "Begun; it has not ended yet."}
        if endpoint.answer is not None:
            responses[str(status)]["content"] = {"application/json": {"schema": _reference(endpoint.answer)}}
    kinds = {400, 503, *endpoint.problems}
    if endpoint.allowed is not None:
        kinds |= {401, 403, 429}
    if endpoint.query.__struct_fields__ or endpoint.body is not None:
        kinds.add(422)
    if endpoint.body is not None:
        kinds.add(413)
    for status in sorted(kinds):
        content = {MEDIA_TYPE: {"schema": _reference(Problem)}}
        responses[str(status)] = {"description": _PROBLEMS[status], "content": content}
    return responses


def _idempotency_key() -> dict[str, Any]:
    return {
        "name": paths.IDEMPOTENCY_KEY,
        "in": "header",
        "required": False,
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        "description": "The same request under the same key gets the first one's answer, for a day.",
    }


def _itself() -> dict[str, Any]:
    return {
        "operationId": "get_openapi_json",
        "summary": "This document",
        "tags": ["openapi.json"],
        "security": [],
        "responses": {
            "200": {"description": "Done.", "content": {"application/json": {"schema": {"type": "object"}}}}
        },
    }


def _reference(kind: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": _REF.format(name=kind.__name__)}


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(document())

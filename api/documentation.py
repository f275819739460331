"""The OpenAPI document: what the routes say of themselves, with an example of every request, answer and refusal."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from api.examples import BINARY, EXAMPLES, Example
from api.problems import status_of
from ledger.errors import LedgerError, UnavailableError
from ledger.wire.problems import MEDIA_TYPE, problem
from ledger.wire.sentences import sentence

__all__ = ["Documented"]

_PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457. `code` is stable and for machines; `detail` and `next_step` are in the reader's language.",
    "required": ["type", "title", "status", "detail", "next_step", "code", "facts"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "next_step": {"type": "string"},
        "code": {"type": "string"},
        "facts": {"type": "object", "additionalProperties": True},
        "retry_after": {"type": "integer", "description": "seconds, as in Retry-After"},
    },
}
_REFERENCE = {"$ref": "#/components/schemas/Problem"}
_SIGNATURE = {
    "type": "apiKey",
    "in": "header",
    "name": "Signature",
    "description": (
        "RFC 9421, Ed25519, with Content-Digest (RFC 9530): covers @method, @target-uri and content-digest, valid for 60 "
        "seconds, keyid `member:version` of the register. Answers are signed too."
    ),
}
_MALFORMED = 422


class Documented(FastAPI):
    """An application whose OpenAPI document carries the examples."""

    def openapi(self) -> dict[str, Any]:
        """Return the document; made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            # What the framework says of refused input is not what is answered.
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            schemas["Problem"] = _PROBLEM
            document["components"]["securitySchemes"] = {"signature": _SIGNATURE}
            for path, methods in document["paths"].items():
                for method, told in methods.items():
                    example = EXAMPLES.get((method, path))
                    if example is not None:
                        _fill(told, example)
            self.openapi_schema = document
        return self.openapi_schema


def _fill(told: dict[str, Any], example: Example) -> None:
    answers = told["responses"]
    answers["200"]["content"] = {example.media: _shown(example.media, example.answer)}
    if example.request is not None:
        media, value = example.request
        told["requestBody"] = {"required": True, "content": {media: _shown(media, value)}}
    for parameter in told.get("parameters", []):
        if parameter["name"] in example.parameters:
            parameter["example"] = example.parameters[parameter["name"]]
    answers.pop(str(_MALFORMED), None)
    for other in example.others:
        answers[str(other.status)] = {
            "description": other.about,
            "content": {other.media: _shown(other.media, other.value)},
        }
    for error in (*example.problems, LedgerError("api.internal", reference="ref-5d0c1f7e9a2b")):
        _refusal(answers, error)
    if example.signed:
        told["security"] = [{"signature": []}]


def _refusal(answers: dict[str, Any], error: LedgerError) -> None:
    status = str(status_of(error))
    said = sentence(error.code, "en", **error.facts).text
    answer = answers.setdefault(status, {"description": said, "content": {}})
    content = answer["content"].setdefault(MEDIA_TYPE, {"schema": _REFERENCE, "examples": {}})
    content["examples"][error.code] = {
        "summary": said,
        "value": problem(error, "zh") | {"status": status_of(error)},
    }
    if isinstance(error, UnavailableError):
        answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "example": error.retry_after}}


def _shown(media: str, value: object) -> dict[str, Any]:
    if media == BINARY:
        return {"schema": {"type": "string", "format": "binary"}}
    schema = {"type": "object"} if isinstance(value, dict) else {"type": "string"}
    return {"schema": schema, "example": value}

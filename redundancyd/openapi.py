"""The table of actions -> openapi.json.  Pure."""

from typing import Any

from redundancyd.actions import ACTIONS, Action, Argument, Kind
from redundancyd.problems import MEDIA_TYPE

Page = dict[str, Any]
_LOOKS = {
    "/v1/status": "Traffic in both systems, heartbeat, alarms, what would go wrong in a takeover now.",
    "/v1/alarms": "The alarms that stand, gravest first.",
    "/v1/mirrors": "The copies of exchange data, newest first, as they were last looked at.",
    "/v1/translation": "The translation table, the addresses of the newest mirror, and what holds back the next load.",
    "/v1/configuration": "The settings in force, without secrets.",
    "/healthz": "200 while the loop that decides is on time, 503 with reasons otherwise.",
    "/readyz": "200 while a takeover would work now, 503 with reasons otherwise.",
    "/openapi.json": "This page.",
}
_SINCE: Page = {
    "name": "since",
    "in": "query",
    "description": "Only records with a higher `seq`.",
    "schema": {"type": "integer", "minimum": 0},
}


def openapi(version: str) -> Page:
    """The whole description."""
    paths: Page = {path: {"get": _get(path, said)} for path, said in _LOOKS.items()}
    paths["/v1/events"] = {"get": _get("/v1/events", "The latest records, oldest first.") | {"parameters": [_SINCE]}}
    stream = _get("/v1/events/stream", "Every record as it comes, one JSON object a line.", "application/x-ndjson")
    paths["/v1/events/stream"] = {"get": stream | {"parameters": [_SINCE]}}
    for action in ACTIONS:
        if action.changes:
            paths[f"/v1/actions/{action.name}"] = {"post": _post(action)}
        if action.previewed:
            previewed = _get(f"/v1/preview/{action.name}", f"{action.summary}  Now, will do, afterwards.")
            parameters = [_parameter(argument) for argument in action.arguments]
            paths[f"/v1/preview/{action.name}"] = {"get": previewed | {"parameters": parameters}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "redundancyd", "version": version, "summary": "The status socket of redundancyd."},
        "paths": paths,
        "components": {"schemas": {"Problem": _PROBLEM}},
    }


def _get(path: str, said: str, media_type: str = "application/json") -> Page:
    words = path.removeprefix("/v1").strip("/").replace("/", "_").replace(".", "_").replace("-", "_")
    answer = {"description": said, "content": {media_type: {"schema": {"type": "object"}}}}
    return {"operationId": f"get_{words}", "summary": said, "responses": {"200": answer, "default": _DEFAULT}}


def _post(action: Action) -> Page:
    schema: Page = {
        "type": "object",
        "properties": {argument.name: _schema(argument) for argument in action.arguments},
        "required": [argument.name for argument in action.arguments if argument.required],
        "additionalProperties": False,
    }
    return {
        "operationId": action.name.replace("-", "_"),
        "summary": action.summary,
        "description": f"{action.help}\n\nOn the command line: `{action.example}`",
        "requestBody": {
            "required": bool(schema["required"]),
            "content": {"application/json": {"schema": schema}},
        },
        "responses": {
            "200": {"description": "Done.", "content": {"application/json": {"schema": _DONE}}},
            "default": _DEFAULT,
        },
    }


def _parameter(argument: Argument) -> Page:
    return {
        "name": argument.name,
        "in": "query",
        "description": argument.help,
        "required": argument.required,
        "schema": _schema(argument),
    }


def _schema(argument: Argument) -> Page:
    schema: Page = {"type": "string", "description": argument.help}
    match argument.kind:
        case Kind.CHOICE:
            schema["enum"] = [choice.value for choice in argument.choices]
        case Kind.SPAN:
            schema |= {"pattern": "^[0-9]{1,9}(ms|s|m|h|d)$", "examples": [argument.like]}
        case Kind.NAMES:
            item = {"type": "string", "pattern": f"^({argument.pattern})$"}
            return {"type": "array", "items": item, "maxItems": argument.most, "description": argument.help}
        case Kind.LINES:
            schema["maxLength"] = argument.most
        case Kind.TEXT:
            schema |= {"minLength": argument.least, "maxLength": argument.most}
            if argument.pattern:
                schema["pattern"] = f"^({argument.pattern})$"
        case Kind.FLAG:
            return {"type": "boolean", "description": argument.help}
    return schema


_DONE: Page = {
    "type": "object",
    "required": ["detail", "takeover"],
    "properties": {"detail": {"type": "string"}, "takeover": {"type": ["integer", "null"]}},
}
_PROBLEM: Page = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "remedy"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "A word for programs."},
        "remedy": {"type": "string", "description": "What to do; may be empty."},
        "reasons": {"type": "array", "items": {"type": "string"}},
        "mistakes": {"type": "array", "items": {"type": "object"}},
    },
}
_DEFAULT: Page = {
    "description": "It was not done, and why.",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}

"""The document as people read it: flat tables instead of nested schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

METHODS = {"get": "GET", "post": "POST"}
KINDS = {
    "string": "texto",
    "integer": "entero",
    "number": "número",
    "boolean": "true o false",
    "object": "objeto",
    "array": "lista",
    "null": "null",
}
FORMATS = {"uuid": "UUID", "binary": "archivo", "date-time": "fecha y hora"}
PLACES = {"path": "dirección", "query": "parámetro", "header": "cabecera"}


def sections(document: dict[str, Any]) -> list[dict[str, Any]]:
    """What the page's template shows: the operations by their tag, in the order of the document."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            one = shown(document, path, METHODS[method], operation)
            found.setdefault(operation["tags"][0], []).append(one)
    return [{"nombre": tag, "operaciones": operations} for tag, operations in found.items()]


def shown(document: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    body = next(iter(operation.get("requestBody", {}).get("content", {}).items()), None)
    answers = sorted(operation["responses"].items())
    return {
        "id": operation["operationId"],
        "metodo": method,
        "ruta": path,
        "titulo": operation["summary"],
        "texto": marked(operation.get("description", "")),
        "publica": "security" not in operation,
        "parametros": [parameter(document, one) for one in operation.get("parameters", [])],
        "cuerpo": body and {"tipo": body[0], "campos": list(fields(document, body[1]["schema"]))},
        "ejemplo": body and example(body[1]),
        "respuestas": [answer(document, status, one) for status, one in answers],
    }


def parameter(document: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    kind = kind_of(document, one["schema"])
    text = marked(one.get("description", ""))
    return {"nombre": one["name"], "donde": PLACES[one["in"]], "tipo": kind, "texto": text}


def answer(document: dict[str, Any], status: str, one: dict[str, Any]) -> dict[str, Any]:
    """One answer: an error by its words, any other by the table of its fields."""
    content = one.get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    words = schema.get("properties", {}).get("status", {}).get("enum", [])
    more = [name for name in schema.get("properties", {}) if name not in ("detail", "status")] if words else []
    return {
        "estado": status,
        "texto": marked(one.get("description", "")),
        "palabras": words,
        "ademas": more,
        "tipos": [kind for kind in content if kind != "application/json"],
        "campos": [] if words else list(fields(document, schema)),
        "ejemplo": example(content.get("application/json", {})),
    }


def example(content: dict[str, Any]) -> str:
    values = [one["value"] for one in content.get("examples", {}).values()]
    return json.dumps(values[0], indent=2, ensure_ascii=False) if values else ""


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """What a schema is after its references, and whether it may be null."""
    parts = schema.get("oneOf") or schema.get("anyOf") or schema.get("allOf") or []
    null = {"type": "null"} in parts
    real = [part for part in parts if part != {"type": "null"}]
    if len(real) == 1:
        inner, inner_null = resolved(document, real[0])
        return inner, null or inner_null
    if "$ref" in schema:
        return document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], False
    return schema, "null" in schema.get("type", ())


def kind_of(document: dict[str, Any], schema: dict[str, Any]) -> str:
    """The kind of a value in a few words of Spanish."""
    real, null = resolved(document, schema)
    kinds = real.get("type", "object")
    kind = next((one for one in ([kinds] if isinstance(kinds, str) else kinds) if one != "null"), "object")
    if values := real.get("enum"):
        words = " · ".join(str(value) for value in values if value is not None)
    elif kind == "array":
        words = f"lista de {kind_of(document, real['items'])}"
    else:
        words = FORMATS.get(real.get("format", ""), KINDS[kind])
    if least := real.get("minLength"):
        words += f", de {least} a {real['maxLength']} caracteres"
    elif most := real.get("maxLength"):
        words += f", hasta {most} caracteres"
    return f"{words} o null" if null else words


def fields(document: dict[str, Any], schema: dict[str, Any], depth: int = 0) -> Iterator[dict[str, Any]]:
    """The fields of an object, those of the objects in it under them."""
    real, _ = resolved(document, schema)
    for option in real.get("oneOf", []):
        yield from fields(document, option, depth)
    required = set(real.get("required", ()))
    for name, field in sorted(real.get("properties", {}).items(), key=lambda pair: pair[0] not in required):
        inner, _ = resolved(document, field)
        text = marked(field.get("description") or "")
        kind = kind_of(document, field)
        yield {"nombre": name, "tipo": kind, "texto": text, "obligatorio": name in required, "nivel": depth}
        if depth < 2:
            yield from fields(document, inner.get("items", inner), depth + 1)


def marked(text: str) -> SafeString:
    """`text` with what stands between backticks as code."""
    parts = [
        format_html("<code>{}</code>", part) if number % 2 else conditional_escape(part)
        for number, part in enumerate(text.split("`"))
    ]
    return mark_safe("".join(parts))  # noqa: S308  # each part is escaped

"""The words that describing the API needs: an operation, its errors, and what all answers of a kind have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from config.openapi import shapes

NUMBER, TEXT = {"type": "integer"}, {"type": "string"}
SAVED = {"ticket_id": NUMBER, "telefono": {"type": ["string", "null"]}, "seq": NUMBER}
WINDOW = {"$ref": "#/components/schemas/Ventana"}


def problem(words: str, why: str, **more: Any) -> OpenApiResponse:
    """An error: its `status` words, separated by spaces, when it is answered, and the keys it may have besides."""
    status = {"type": "string", "enum": words.split()}
    shape = {
        "type": "object",
        "required": ["detail", "status"],
        "properties": {"detail": TEXT, "status": status, **more},
    }
    return OpenApiResponse(shape, why)


LOGIN = {
    401: problem("sin_sesion rechazado", "Sin token ni sesión, o el token no es válido."),
    403: problem("sin_permiso", "Una sesión sin su token CSRF."),
    404: problem("no_encontrado", "No existe, o no es para esta cuenta."),
}
SERVER = {500: problem("error", "Error nuestro."), 503: problem("sin_base_de_datos", "La base de datos no responde.")}
READING = {401: LOGIN[401], 404: LOGIN[404], **SERVER}
BODY = {400: problem("datos_no_validos", "Lo enviado no es válido; no se guardó nada.")}
WRITING = {**LOGIN, **BODY, 415: problem("datos_no_validos", "El cuerpo no es application/json."), **SERVER}
OTHER_OPEN = {409: problem("otro_ticket_abierto", "La persona tiene abierto otro, `otro`.", otro=NUMBER)}
# Why a send was not even saved: the word, when, and the keys it brings.
REFUSALS: dict[str, tuple[int, str, dict[str, Any]]] = {
    "clave_con_otro_texto": (409, "la `clave` ya se usó con otro texto", {}),
    "hay_mensajes_nuevos": (
        409,
        "la persona escribió después de `visto_hasta` (`nuevos`)",
        {"nuevos": {"type": "array", "items": {"$ref": "#/components/schemas/Mensaje"}}},
    ),
    "alguien_escribe": (
        409,
        "otras personas de la mesa escriben en él (`quien`), y se mandó `visto_hasta` o es un mensaje predefinido",
        {"quien": {"type": "array", "items": TEXT}},
    ),
    "otro_ticket_abierto": (409, "este está cerrado y la persona tiene abierto otro (`otro`)", {"otro": NUMBER}),
    "descartado": (409, "la `clave` es de un mensaje que se descartó", SAVED),
    "ya_notificado": (409, "el mismo ya salió en este ticket", {"ya_enviado": TEXT}),
    "ventana_cambio": (409, "ahora saldría otra cosa que la que viste", {}),
    "ya_cambio": (409, "el mensaje cambió mientras decidías", {}),
    "ventana_cerrada": (422, "pasaron 24 horas y sólo puede salir una plantilla (`ventana`)", {"ventana": WINDOW}),
    "plantilla_no_disponible": (422, "Meta ya no la deja enviar", {}),
}
WITH_KEY = ("clave_con_otro_texto", "hay_mensajes_nuevos", "alguien_escribe", "otro_ticket_abierto", "descartado")


def sending(*refusals: str) -> dict[Any, Any]:
    """All that a send may be answered, with the `refusals` that this one knows."""
    answers = {
        **WRITING,
        200: OpenApiResponse(shapes.Enviado, "El gateway lo aceptó."),
        422: problem("fallido", "`fallido`: guardado, y el gateway dice que nunca.", **SAVED),
        500: problem("error", "Error nuestro; con `seq` si el mensaje se guardó.", **SAVED),
        503: problem("en_cola sin_base_de_datos", "`en_cola`: guardado, sale solo y en orden.", **SAVED),
        504: problem("enviando sin_confirmar", "Guardado; `sin_confirmar`: nadie sabe si salió.", **SAVED),
    }
    for status in (409, 422):
        known = {word: REFUSALS[word] for word in refusals if REFUSALS[word][0] == status}
        if known:
            words = " ".join(known) if status == 409 else " ".join(["fallido", *known])
            saved = "" if status == 409 else "`fallido`: guardado, y el gateway dice que nunca. "
            why = "; ".join(f"`{word}`: {when}" for word, (_, when, _) in known.items())
            keys = {name: shape for _, _, more in known.values() for name, shape in more.items()}
            answers[status] = problem(words, f"{saved}Sin guardar. {why}.", **({} if status == 409 else SAVED), **keys)
    return answers


def number_parameter(name: str, help_text: str) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.INT, OpenApiParameter.QUERY, description=help_text)


def word_parameter(name: str, help_text: str, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.QUERY, description=help_text, **more)


SENT = {
    "status": "enviado",
    "ticket_id": 123,
    "telefono": "+5214772758198",
    "mensaje": "Mensaje enviado correctamente",
    "seq": 12,
    "estado": "enviado",
}


@dataclass
class Operation:
    """One method of one address. `example` is a body that it takes, `answer` the 200 to it."""

    view: Callable[..., Any]
    method: str
    summary: str
    answers: dict[Any, Any]
    description: str = ""
    request: Any = None
    parameters: list[OpenApiParameter] = field(default_factory=list)
    example: Any = None
    answer: Any = None
    public: bool = False

    def describe(self, tag: str) -> None:
        """Tell the generator; the view itself stays as it is."""
        examples = []
        if self.example is not None:
            examples.append(OpenApiExample("Petición", self.example, request_only=True))
        if self.answer is not None:
            examples.append(OpenApiExample("Respuesta", self.answer, response_only=True, status_codes=["200"]))
        extend_schema(
            methods=[self.method],
            summary=self.summary,
            description=self.description,
            parameters=self.parameters,
            request=self.request,
            responses=self.answers,
            examples=examples,
            tags=[tag],
            auth=[] if self.public else None,
        )(self.view)

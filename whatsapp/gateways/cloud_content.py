"""What is sent through Meta's Cloud API, and the templates that it lists: docs/gateways.md, section 5."""

from __future__ import annotations

import re
from typing import Any

from whatsapp.gateways.base import File, MediaLimit, Outgoing, TemplateInfo, TemplateUse
from whatsapp.gateways.cloud_messages import bsuid, phone
from whatsapp.gateways.shape import at, one_line, text_at

_MB = 2**20
# Sizes: Meta's table (…/whatsapp/business-phone-numbers/media). Types: those that the upload names when it refuses one,
# with code 100 (https://github.com/fbsamples/whatsapp-api-examples/issues/10), shared out among the kinds.
LIMITS = {
    "image": MediaLimit(5 * _MB, ("image/jpeg", "image/png")),
    "audio": MediaLimit(16 * _MB, ("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg", "audio/opus")),
    "video": MediaLimit(16 * _MB, ("video/mp4", "video/3gpp")),
    "document": MediaLimit(
        100 * _MB,
        (
            "application/pdf",
            "text/plain",
            "application/msword",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/vnd.ms-excel",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.ms-powerpoint",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        ),
    ),
    "sticker": MediaLimit(500 * 1024, ("image/webp",)),  # a still one at most 100 KB
}
_CAPTIONED = ("image", "video", "document")

TEMPLATE_FIELDS = "name,language,status,category,parameter_format,components"
_VARIABLE = re.compile(r"\{\{\s*(.*?)\s*\}\}")
# Buttons that need nothing from us; what others need we have no words for.
_PLAIN_BUTTONS = ("QUICK_REPLY", "PHONE_NUMBER", "URL", "VOICE_CALL", "REQUEST_CONTACT_INFO")


def recipient(address: str) -> dict[str, str] | None:
    """How the API names the person at `address`, or None for an address that it cannot reach (a LID)."""
    if phone(address):
        return {"to": address}
    return {"recipient": address} if bsuid(address) else None


def problem(file: File, text: str) -> str:
    """Why `file` cannot be sent with `text`, or ""."""
    if file.kind not in LIMITS:
        return "WhatsApp no admite este tipo de archivo"
    if text and file.kind not in _CAPTIONED:
        return "WhatsApp no admite un texto junto a un audio o un sticker: envíalo aparte"
    return ""


def content(message: Outgoing, media_id: str) -> dict[str, Any]:
    """The part of the request that says what is sent; `media_id` is the uploaded file's."""
    if message.template:
        return {"type": "template", "template": _filled(message.template)}
    if message.file is None:
        return {"type": "text", "text": {"body": message.text, "preview_url": False}}
    kind = message.file.kind
    media = {"id": media_id}
    if message.text:
        media["caption"] = message.text
    if kind == "document":
        media["filename"] = message.file.name
    return {"type": kind, kind: media}


def _filled(use: TemplateUse) -> dict[str, Any]:
    parts = (("header", use.header), ("body", use.body))
    components = [
        {"type": part, "parameters": [{"type": "text", "text": value} for value in values]}
        for part, values in parts
        if values
    ]
    return {"name": use.name, "language": {"code": use.language}, "components": components}


def template(listed: Any) -> TemplateInfo | None:
    """A template of the account's list, or None for what is none."""
    name, language = text_at(listed, "name"), text_at(listed, "language")
    if not name or not language:
        return None
    found = at(listed, "components")
    components = found if isinstance(found, list) else []
    texts = {text_at(one, "type").upper(): text_at(one, "text") for one in components}
    why = "Usa variables con nombre" if text_at(listed, "parameter_format").upper() == "NAMED" else ""
    why = why or next((trouble for one in components if (trouble := _trouble(one))), "")
    return TemplateInfo(
        name,
        language,
        text_at(listed, "status"),
        text_at(listed, "category"),
        header=texts.get("HEADER", ""),
        body=texts.get("BODY", ""),
        footer=texts.get("FOOTER", ""),
        usable=not why,
        problem=f"{why}: la mesa no puede enviarla" if why else "",
    )


def _trouble(component: Any) -> str:
    """Why we cannot fill a component, in Spanish; "" when we can."""
    kind = text_at(component, "type").upper()
    if kind == "HEADER":
        form = text_at(component, "format").upper()
        if form not in ("", "TEXT"):
            return f"Su encabezado es un archivo o un lugar ({one_line(form, 20)})"
    if kind in ("HEADER", "BODY"):
        variables = _VARIABLE.findall(text_at(component, "text"))
        return "" if all(re.fullmatch("[0-9]{1,2}", one) for one in variables) else "Usa variables con nombre"
    if kind == "BUTTONS":
        buttons = at(component, "buttons")
        return next((why for one in buttons if (why := _button(one))), "") if isinstance(buttons, list) else ""
    return "" if kind == "FOOTER" else f"Tiene una parte especial ({one_line(kind, 20)})"


def _button(button: Any) -> str:
    kind = text_at(button, "type").upper()
    if kind not in _PLAIN_BUTTONS:
        return f"Tiene un botón especial ({one_line(kind, 20)})"
    return "Tiene un botón con variables" if "{{" in text_at(button, "url") else ""

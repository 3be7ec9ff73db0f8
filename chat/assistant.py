"""The assistant by rules: it asks what a ticket lacks, one question at a time, and knows when to be silent.

The next question is a pure function of ticket and contact (the first field still missing), so that nothing lives
in memory; `Ticket.asked` only remembers which question the person is answering.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tickets.models import Contact, Ticket
from tickets.text import fold

UNKNOWN = "Sin dato"
QUESTIONS = {
    "name": "¿Cuál es tu nombre?",
    "department": "¿De qué departamento o área eres?",
    "equipment": "¿Qué tipo de equipo es? Por ejemplo: laptop, computadora de escritorio, impresora, celular.",
    "asset": "¿Cuál es el número de activo del equipo? Suele estar en una etiqueta. Si no lo ves, escribe «no sé».",
    "fault": "¿Qué falla tiene? Cuéntame qué pasa y desde cuándo.",
}
FIELDS = tuple(QUESTIONS)
# What `Ticket.asked` holds while a model thinks about the first words (chat/llm/turns.py): nobody waits for us yet.
THINKING = "pensando"
LONGEST = 120

GREETING = re.compile(
    r"(?:hola|ola|buenas|buenos? (?:dias?|tardes?|noches?)|buenas (?:tardes|noches)|que tal|disculpa|oye|hey|saludos|"
    r"ayuda|necesito ayuda|una pregunta|[ ,.!?¡¿👋😀-🙏🏻-🏿♀♂\u200d\ufe0f])*"
)
DONT_KNOW = re.compile(
    r"(?:pues )?(?:no (?:lo |la )?(?:se|tengo|veo|encuentro|recuerdo|aparece|sabria)|no (?:se|veo|encuentro|tengo) "
    r"(?:cual es|la etiqueta|el numero|ese dato|numero|etiqueta)|ni idea|n/?a|"
    r"no aplica|ninguno|ninguna|desconozco|sin (?:numero|etiqueta)|\?+|-+)[ .!]*"
)
NAME_PREFIX = re.compile(r"^(?:hola[,. ]+)?(?:me llamo|mi nombre es|soy|habla|te habla|de parte de)\s+", re.IGNORECASE)
EQUIPMENT = {
    "Laptop": r"lap ?tops?|laps?|portatil|notebook|macbook",
    "Impresora": r"impresoras?|multifuncional|imprimir|imprime|toner",
    "Computadora de escritorio": r"pc|desktop|computadora|compu|cpu|escritorio",
    "Monitor": r"monitor|pantalla",
    "Celular": r"celular|telefono|iphone|tablet|ipad",
    "Red": r"wifi|wi-fi|internet|red|vpn",
    "Proyector": r"proyector|canon",
}
CATEGORY = {
    "Red": r"wifi|wi-fi|internet|red|vpn|conexion|conecta|router",
    "Impresión": r"impresora|imprimir|imprime|toner|atasco|escaner",
    "Acceso": r"contrasena|password|clave|acceso|usuario bloqueado|bloqueada|no puedo entrar|iniciar sesion",
    "Correo": r"correo|outlook|email|gmail",
    "Software": r"programa|sistema|excel|word|office|windows|actualiza\w*|licencia|virus|aplicacion|teams|sap",
    "Hardware": r"no enciende|no prende|pantalla|bateria|teclado|mouse|raton|cargador|disco|ram|ruido|golpe|lent[oa]",
}


def is_greeting(text: str) -> bool:
    """Whether `text` only greets or calls, and so describes no fault."""
    return bool(GREETING.fullmatch(fold(text)))


def is_unknown(text: str) -> bool:
    """Whether `text` says "no sé", which is an answer too."""
    return bool(DONT_KNOW.fullmatch(fold(text)))


def first_match(table: dict[str, str], text: str) -> str:
    """The first key of `table` one of whose words occurs in `text`, or ""."""
    folded = fold(text)
    return next((name for name, words in table.items() if re.search(rf"\b(?:{words})\b", folded)), "")


def next_question(ticket: Ticket, contact: Contact) -> str:
    """The field to ask for now: the first that neither the ticket nor what is known of the contact fills, or ""."""
    known = {"name": contact.name, "department": contact.department}
    return next((field for field in FIELDS if not getattr(ticket, field) and not known.get(field)), "")


def learn(ticket: Ticket, contact: Contact, text: str, *, answered: bool) -> None:
    """Fill the ticket, and what is worth remembering of the contact, from one message; in memory.

    `answered`: the person had the question in front of them when they wrote, so that this is its answer.
    """
    text = " ".join(text.split())
    for field in ("name", "department"):
        if not getattr(ticket, field):
            setattr(ticket, field, getattr(contact, field))
    field = ticket.asked if answered and ticket.asked in FIELDS else ""
    if field and text:
        take_answer(ticket, contact, field, text)
    elif text and not is_greeting(text):
        ticket.fault = f"{ticket.fault}\n{text}".strip()[:4000]
        if not ticket.equipment:
            ticket.equipment = first_match(EQUIPMENT, text)
    if not ticket.category:
        ticket.category = first_match(CATEGORY, f"{ticket.fault} {ticket.equipment}")


def take_answer(ticket: Ticket, contact: Contact, field: str, text: str) -> None:
    """Store the answer to `field`: "no sé" is one too, and a greeting is none."""
    if is_unknown(text):
        setattr(ticket, field, UNKNOWN)
        return
    if is_greeting(text):
        return
    if field == "name":
        text = NAME_PREFIX.sub("", text)
        name, _, rest = text.partition(",")
        if (found := re.match(r"\s*(?:de|del|soy de|en)\s+(.+)", rest)) and not ticket.department:
            text, ticket.department = name, found[1].strip(" .")[:LONGEST]
            contact.department = ticket.department
        text = text.strip(" .,!") or name
    if field == "equipment":
        text = first_match(EQUIPMENT, text) or text
    setattr(ticket, field, text if field == "fault" else text[:LONGEST])
    if field in ("name", "department"):
        setattr(contact, field, text[:LONGEST])


SOLVED = re.compile(
    r"(?:si|sip|claro|listo|perfecto|excelente|ya|ok|gracias|muchas gracias|se resolvio|resuelto|solucionado|"
    r"quedo|ya quedo|ya funciona|funciono|si funciono|ya se resolvio|ya jala|todo bien|[ ,.!¡👍👌✅🙏🏻-🏿\ufe0f])*"
)
SURE = re.compile(r"\b(?:si|sip|listo|resuelto|solucionado|resolvio|quedo|funciona|funciono|jala)\b|[👍👌✅]")
NO = re.compile(r"\b(?:no|nada|ni|sigue|igual|tampoco|todavia|aun)\b")


def is_solved(text: str) -> bool:
    """Whether `text` says that what was tried helped, and nothing else: any doubt is a no."""
    folded = fold(text)
    return bool(SOLVED.fullmatch(folded) and SURE.search(folded) and not NO.search(folded))


def greeting_for(ticket: Ticket, *, first: bool) -> str:
    """What the first words begin with; "" for the others."""
    return f"Hola{f', {first_name(ticket.name)}' if ticket.name not in ('', UNKNOWN) else ''} 👋 " if first else ""


def handing_over(ticket: Ticket, *, first: bool) -> str:
    """What is said to who wants a person, or was not understood."""
    hello = greeting_for(ticket, first=first)
    return f"{hello}Te paso con un técnico: te responderá por aquí. Tu ticket es el #{ticket.pk}."


def steps_to_try(ticket: Ticket, steps: Sequence[str], *, first: bool) -> str:
    """What the person may try while the ticket waits for a technician."""
    listed = "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1))
    hello = greeting_for(ticket, first=first)
    return (
        f"{hello}Gracias, tu ticket #{ticket.pk} quedó registrado y un técnico lo verá. "
        f"Mientras tanto puedes intentar:\n{listed}\n¿Se resolvió? Responde sí o no."
    )


def after_trying(ticket: Ticket, *, solved: bool, closed: bool) -> str:
    """What is said to the answer of "¿Se resolvió?"."""
    if not solved:
        return "Gracias por intentarlo. Un técnico te responderá por aquí."
    end = f"Cierro el ticket #{ticket.pk}; si vuelve a fallar, escribe por aquí." if closed else "Le aviso al técnico."
    return f"¡Qué bueno! {end}"


def words_for(field: str, ticket: Ticket, *, first: bool) -> str:
    """What the assistant says: the question for `field`, or that the ticket is complete. `first` also greets."""
    hello = greeting_for(ticket, first=first)
    if field:
        opened = f"Abrí el ticket #{ticket.pk} para atenderte. " if first else ""
        return f"{hello}{opened}{QUESTIONS[field]}"
    return f"{hello}Gracias, tu ticket #{ticket.pk} quedó registrado. Un técnico te responderá por aquí."


def first_name(name: str) -> str:
    return name.split()[0] if name.split() else ""

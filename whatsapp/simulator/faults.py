"""Every way in which a send can go wrong, in one table that the HTTP side, the page and the tests read."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """`accepts`: whether the message reaches the phone all the same, which is what makes a fault cruel."""

    label: str
    explains: str
    accepts: bool


NONE = "ninguna"
HANG = "colgar"
REFUSE = "rechazar"
ERROR_BEFORE = "error_antes"
ERROR_AFTER = "error_despues"
NO_ID = "sin_id"
CUT = "corta"
SLOW = "lento"

FAULTS: dict[str, Fault] = {
    NONE: Fault("Ninguna", "Todo funciona: cada envío se acepta y se contesta.", accepts=True),
    HANG: Fault("Colgar", "No acepta nada y nunca contesta; quien envía espera hasta cansarse.", accepts=False),
    REFUSE: Fault("Rechazar", "Contesta 400: el envío no es válido y nunca lo será.", accepts=False),
    ERROR_BEFORE: Fault("Error antes de aceptar", "Contesta 500 y el mensaje no llegó al teléfono.", accepts=False),
    ERROR_AFTER: Fault("Error después de aceptar", "El mensaje llega al teléfono, pero contesta 500.", accepts=True),
    NO_ID: Fault("Aceptar sin id", "El mensaje llega, y la respuesta es un 201 vacío.", accepts=True),
    CUT: Fault("Cortar la respuesta", "El mensaje llega, y la respuesta se corta a la mitad.", accepts=True),
    SLOW: Fault("Lento", "El mensaje llega, y la respuesta tarda 3 segundos.", accepts=True),
}

ORDERLY = "normales"
REPEATED = "repetidos"
SHUFFLED = "desordenados"

# What can go wrong on the way back, from WhatsApp to the desk.
NOTICES: dict[str, str] = {
    ORDERLY: "Cada aviso llega una vez y en orden.",
    REPEATED: "Cada aviso llega dos veces, idéntico.",
    SHUFFLED: "Los avisos llegan primero los últimos.",
}

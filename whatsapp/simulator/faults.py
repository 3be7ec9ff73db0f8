"""Every way in which a send can go wrong, in one table that the HTTP side, the page and the tests read.

A fault is either a switch (`falla`: every send) or a rate (`tasas`: that share of the sends, drawn from a generator
that starts at `semilla`, so that a rehearsal can be repeated). The same for what is told to the desk: `avisos` is the
switch, `tasas_avisos` the rates. All of it is off until somebody posts it to /simulador/estado or starts the simulator
with --estado.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field


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
RESET_BEFORE = "reinicio_antes"
RESET_AFTER = "reinicio_despues"
DRIP = "goteo"
HALF_HEADER = "media_cabecera"
GARBAGE = "basura"
LIMIT = "limite"

FAULTS: dict[str, Fault] = {
    NONE: Fault("Ninguna", "Todo funciona: cada envío se acepta y se contesta.", accepts=True),
    HANG: Fault("Colgar", "No acepta nada y nunca contesta; quien envía espera hasta cansarse.", accepts=False),
    REFUSE: Fault("Rechazar", "Contesta 400: el envío no es válido y nunca lo será.", accepts=False),
    ERROR_BEFORE: Fault("Error antes de aceptar", "Contesta 500 y el mensaje no llegó al teléfono.", accepts=False),
    ERROR_AFTER: Fault("Error después de aceptar", "El mensaje llega al teléfono, pero contesta 500.", accepts=True),
    NO_ID: Fault("Aceptar sin id", "El mensaje llega, y la respuesta es un 201 vacío.", accepts=True),
    CUT: Fault("Cortar la respuesta", "El mensaje llega, y la respuesta se corta a la mitad.", accepts=True),
    SLOW: Fault("Lento", "El mensaje llega, y la respuesta tarda 3 segundos.", accepts=True),
    RESET_BEFORE: Fault("Cortar antes de aceptar", "Corta la conexión (RST) y el mensaje no llegó.", accepts=False),
    RESET_AFTER: Fault("Cortar después de aceptar", "El mensaje llega, y la conexión se corta (RST).", accepts=True),
    DRIP: Fault("Gotear", "El mensaje llega, y la respuesta sale letra por letra, sin fin a la vista.", accepts=True),
    HALF_HEADER: Fault("Media cabecera", "El mensaje llega, y la respuesta es media cabecera HTTP.", accepts=True),
    GARBAGE: Fault("Basura", "El mensaje llega, y la respuesta es un 201 que no es JSON.", accepts=True),
    LIMIT: Fault("Limitar", "Contesta 429 con Retry-After: 1 y el mensaje no llegó.", accepts=False),
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

# Rates only: each is drawn for every notice, apart from the others.
NOTICE_RATES: dict[str, str] = {
    "repetido": "El aviso llega de 1 a 10 veces más, idéntico.",
    "desordenado": "El aviso espera hasta medio segundo y otros le ganan.",
    "tarde": "El aviso llega de 1 a 5 segundos tarde.",
    "firma_falsa": "Antes llega un aviso inventado, con una firma que no es la nuestra.",
    "truncado": "Antes llega la mitad de los bytes del aviso, con la firma del aviso entero.",
    "demasiado_grande": "Antes llega un aviso de más de 2 MiB, bien firmado.",
}


@dataclass
class Rates:
    """Shares of sends (`sends`, one fault each at most) and of notices (`notices`) that go wrong."""

    seed: int = 0
    sends: Mapping[str, float] = field(default_factory=dict)
    notices: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Two generators, so that how many notices there were does not change which send fails.
        self._for_sends, self._for_notices = random.Random(self.seed), random.Random(self.seed + 1)  # noqa: S311

    def draw(self) -> str:
        """Out: the fault of the next send."""
        drawn = self._for_sends.random()
        for name, rate in self.sends.items():
            drawn -= rate
            if drawn < 0:
                return name
        return NONE

    def drawn_for_notice(self) -> frozenset[str]:
        """Out: everything that goes wrong with the next notice."""
        return frozenset(name for name, rate in self.notices.items() if self._for_notices.random() < rate)

    def between(self, low: float, high: float) -> float:
        """Out: a number for a notice's fault, such as how late it is."""
        return self._for_notices.uniform(low, high)

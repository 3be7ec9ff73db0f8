"""What was asked to go wrong, and the log of who called."""

import threading
import time
from typing import Any

from . import faults
from .jsonlines import JsonLines
from .options import Options


class Switches:
    """The fault of the next send, by switch or by rate; safe to ask from any thread."""

    def __init__(self, options: Options) -> None:
        self.fault = faults.NONE
        self.media_fault = faults.NONE
        self.rates = faults.Rates()
        self._lock = threading.Lock()
        self._calls = JsonLines(options.folder / "llamadas.jsonl") if options.keep_calls else None

    def fault_of_next_send(self, **about: Any) -> str:
        """Out: the switch's fault, else one drawn by the rates; noted with what is known `about` the send."""
        with self._lock:
            fault = self.rates.draw() if self.fault == faults.NONE else self.fault
        self.note("envio", falla=fault, **about)
        return fault

    def hangs(self) -> bool:
        """Whether who hangs has to hang on."""
        return faults.HANG in (self.fault, *self.rates.sends)

    def shown(self) -> dict[str, Any]:
        """Out: its part of `GET /simulador/estado`."""
        rates = self.rates
        return {
            "falla": self.fault,
            "falla_archivos": self.media_fault,
            "tasas": dict(rates.sends),
            "tasas_avisos": dict(rates.notices),
            "semilla": rates.seed,
        }

    def note(self, what: str, **more: Any) -> None:
        """Write one line to llamadas.jsonl, when it is kept."""
        if self._calls:
            with self._lock:
                self._calls.append({"que": what, "cuando": time.time(), **more})

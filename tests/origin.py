"""The origin's tickets.db as its main.py makes it, for tests to fill."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from chat.importing.source import COLUMNS

# Of its first version; the later one adds the rest with ALTER TABLE.
FIRST_VERSION = COLUMNS[:7]
NUMBER = "+5214772758198"
HISTORY = [
    {"timestamp": "2026-02-05T09:00:00.123456", "role": "user", "content": "Hola"},
    {
        "timestamp": "2026-02-05T09:00:00.234567",
        "role": "assistant",
        "content": "¿Cuál es tu nombre completo por favor?",
    },
    {"timestamp": "2026-02-05T09:01:00.000001", "role": "user", "content": "Juan Pérez"},
    {"timestamp": "2026-02-05T10:30:00.000000", "role": "tecnico", "content": "Ya revisamos tu equipo"},
]
TICKET = {
    "cliente": NUMBER,
    "descripcion": "Mi laptop no enciende",
    "estado": "Pendiente",
    "categoria": "Hardware - Energía",
    "fecha": "2026-02-05 09:02",
    "nombre_usuario": "Juan Pérez",
    "departamento": "Contabilidad",
    "tipo_equipo": "Laptop",
    "numero_activo": "ACT-0042",
    "falla_detallada": "Mi laptop no enciende",
    "diagnostico_ia": "Pasos de diagnóstico:\n• Conecta el cargador",
    "requiere_tecnico": 1,
    "estado_conversacion": "completo",
    "historial_conversacion": HISTORY,
    "log_file_path": "ticket_001_20260205_090200.log",
}


class Origin:
    """A database of the origin at `path`."""

    def __init__(self, path: Path, columns: tuple[str, ...] = COLUMNS) -> None:
        self.path, self.columns = path, columns
        rest = ", ".join(f"{name} {'INTEGER' if name == 'requiere_tecnico' else 'TEXT'}" for name in columns[1:])
        self.run(f"CREATE TABLE tickets (id INTEGER PRIMARY KEY AUTOINCREMENT, {rest})")

    def run(self, query: str, *values: Any) -> None:
        with sqlite3.connect(self.path) as db:
            db.execute(query, values)
        db.close()

    def add(self, number: int | None = None, **columns: Any) -> None:
        """A ticket as a whole one is, with these columns instead. A list becomes its JSON, as the origin writes it."""
        row = {name: value for name, value in {**TICKET, **columns}.items() if name in self.columns}
        if isinstance(history := row.get("historial_conversacion"), list):
            row["historial_conversacion"] = json.dumps(history, ensure_ascii=False, indent=2)
        names, marks = ", ".join(["id", *row]), ", ".join("?" * (len(row) + 1))
        self.run(f"INSERT INTO tickets ({names}) VALUES ({marks})", number, *row.values())

    def say(self, number: int, role: str, content: str, timestamp: str) -> None:
        """Somebody says something more, as the origin stores it: the whole list anew."""
        with sqlite3.connect(self.path) as db:
            (told,) = db.execute("SELECT historial_conversacion FROM tickets WHERE id = ?", [number]).fetchone()
            history = [*json.loads(told), {"role": role, "content": content, "timestamp": timestamp}]
            db.execute("UPDATE tickets SET historial_conversacion = ? WHERE id = ?", [json.dumps(history), number])
        db.close()

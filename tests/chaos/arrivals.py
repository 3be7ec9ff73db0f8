"""The way in, judged: what a person wrote, what webhooks told, and what was forged. Imports nothing of the desk."""

from __future__ import annotations

from tests.chaos.evidence import SENT, Evidence, Row, Verdict, chat, repeated


def typed(row: Row) -> bool:
    """Whether the desk takes it for written on the phone itself; nobody does that in a chaos run."""
    return row.role == "tecnico" and row.state in SENT and row.attempts == 0


def received(evidence: Evidence, verdict: Verdict) -> None:
    """I1 and I7 of the way in: what a person wrote is one row, and every event was handled."""
    rows = repeated((row.address, row.text) for row in evidence.rows if row.role == "user")
    for line in evidence.written:
        if (count := rows.get((chat(line), line["texto"]), 0)) != 1:
            verdict.count("lost" if count == 0 else "duplicated", 1)
            verdict.blame("I1", f"{line['texto'][:60]!r} de {chat(line)} son {count} filas")
    own = {line["id"].split("_")[2] for line in evidence.notices}
    for row in (row for row in evidence.rows if typed(row) and row.gateway_id not in own):
        verdict.count("shown twice", 1)
        verdict.blame("I7", f"el mensaje {row.id} es un eco que se muestra como otro mensaje")
    verdict.count("events", sum(evidence.events.values()))
    for state in ("recibido", "error"):
        if count := evidence.events.get(state, 0):
            verdict.blame("I6", f"{count} avisos en «{state}»")


def noticed(evidence: Evidence, verdict: Verdict) -> None:
    """I1 and I7 of a storm of webhooks: each that was taken is one row in its last state, each forged one is none."""
    rows: dict[str | None, list[Row]] = {}
    for row in evidence.rows:
        rows.setdefault(row.gateway_id, []).append(row)
    texts = {row.text for row in evidence.rows}
    for line in evidence.notices:
        found = rows.get(line["id"].split("_")[2], [])
        if line["que"] in ("falso", "truncado"):
            verdict.count("forged and refused", line["estado"] == 401)
            if line["estado"] != 401 or line["texto"] in texts:
                verdict.blame("I1", f"aviso {line['que']} con respuesta {line['estado']}")
        elif len(found) != 1 or found[0].text != line["texto"]:
            verdict.count("lost" if not found else "duplicated", 1)
            verdict.blame("I1", f"{line['que']} {line['id']}: {len(found)} filas")
        elif line["que"] == "palomita" and found[0].state != "leido":
            verdict.blame("I7", f"{line['id']} quedó {found[0].state}")

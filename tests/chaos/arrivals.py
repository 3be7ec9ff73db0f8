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
    if evidence.stuck:
        verdict.blame("I6", f"{evidence.stuck} avisos esperan lo que ya está")


def noticed(evidence: Evidence, verdict: Verdict) -> None:
    """I1 and I7 of a storm of webhooks: each that was taken is one row in its last state, each forged one is none."""
    rows: dict[str | None, list[Row]] = {}
    for row in evidence.rows:
        rows.setdefault(row.gateway_id, []).append(row)
    shown = repeated((row.address, row.text) for row in evidence.rows)
    for line in evidence.notices:
        events = evidence.ledger.get(line["aviso"], 0)
        found = rows.get(line["id"].split("_")[2], [])
        if line["que"] in ("falso", "truncado"):
            verdict.count("forged and refused", line["estado"] == 401)
            # A truncated one has the words of a real one: its own event is what must not be there.
            if line["estado"] != 401 or events or (line["que"] == "falso" and shown.get((chat(line), line["texto"]))):
                verdict.blame("I1", f"aviso {line['que']} con respuesta {line['estado']} y {events} eventos")
        elif events != 1:
            verdict.count("lost" if not events else "duplicated", 1)
            verdict.blame("I1", f"el aviso {line['aviso']} son {events} eventos")
        elif len(found) != 1 or found[0].text != line["texto"]:
            verdict.count("lost" if not found else "duplicated", 1)
            verdict.blame("I1", f"{line['que']} {line['id']}: {len(found)} filas")
        elif (count := shown[chat(line), line["texto"]]) != 1:
            verdict.count("duplicated", count - 1)
            verdict.blame("I1", f"{line['que']} {line['id']}: su texto está {count} veces")
        elif line["que"] == "palomita" and found[0].state != "leido":
            verdict.blame("I7", f"{line['id']} quedó {found[0].state}")

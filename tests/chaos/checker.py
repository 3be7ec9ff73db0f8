"""Judge a chaos run: python -m tests.chaos.checker DATABASE TOLD SIMULATOR_FOLDER. Exit 1 when an invariant broke.

I1 to I8 are those of docs/delivery.md. `sin_confirmar` is visible to a person, so it is counted, not blamed.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

from tests.chaos.arrivals import noticed, received, typed
from tests.chaos.endings import ended, said
from tests.chaos.evidence import DOUBTFUL, SENT, Evidence, Row, Verdict, chat, read, repeated

MOVES = {
    "en_cola": {"enviando", "fallido", "descartado"},
    "enviando": {"enviado", "en_cola", "sin_confirmar", "fallido"},
    "sin_confirmar": {"enviado", "entregado", "leido", "fallido", "descartado"},
    "enviado": {"entregado", "leido", "fallido"},
    "entregado": {"leido"},
    "fallido": {"entregado", "leido"},
}
WAITING = ("en_cola", "enviando")
# Transactions that run at once on PostgreSQL may see the session as it was this long ago.
AT_ONCE_S = 1.0


def judge(evidence: Evidence) -> Verdict:
    verdict = Verdict()
    acknowledged(evidence, verdict)
    said(evidence, verdict)
    ended(evidence, verdict)
    taken_once(evidence, verdict)
    in_order(evidence, verdict)
    sent_is_true(evidence, verdict)
    moves(evidence, verdict)
    calls(evidence, verdict)
    received(evidence, verdict)
    noticed(evidence, verdict)
    return verdict


def outgoing(evidence: Evidence) -> list[Row]:
    """Rows that were ours to send; `typed` ones are only shown."""
    return [row for row in evidence.rows if row.role != "user" and not typed(row)]


def acknowledged(evidence: Evidence, verdict: Verdict) -> None:
    """I1: whatever a client was told to be saved is one row, with that text, for ever."""
    by_key: dict[str, list[Row]] = {}
    for row in evidence.rows:
        by_key.setdefault(row.key, []).append(row)
    saved = [line for line in evidence.told if line["body"].get("seq")]
    verdict.count("acknowledged", len({line["key"] for line in saved}))
    for line in saved:
        rows = by_key.get(line["key"], [])
        wanted = (line["text"], line["ticket"], line["body"]["seq"])
        right = [row for row in rows if (row.text, row.ticket, row.seq) == wanted]
        if not (len(rows) == len(right) == 1):
            verdict.count("lost", not rows)
            verdict.blame("I1", f"{line['key']}: {len(rows)} filas, {len(right)} como se dijo")


def taken_once(evidence: Evidence, verdict: Verdict) -> None:
    """I2: the gateway has a text at most as often as there are rows that may have sent it."""
    rows = repeated((row.address, row.text) for row in outgoing(evidence))
    for (who, text), count in repeated((chat(line), line["texto"]) for line in evidence.accepted).items():
        if count > rows.get((who, text), 0):
            verdict.count("duplicated", count - rows.get((who, text), 0))
            verdict.blame("I2", f"{who} recibió {count} veces {text[:60]!r}, con {rows.get((who, text), 0)} filas")


def in_order(evidence: Evidence, verdict: Verdict) -> None:
    """I3: a conversation's messages were accepted by seq, except those in doubt when a later one was sent."""
    rows = {(row.address, row.text): row for row in outgoing(evidence)}
    unique = repeated((row.address, row.text) for row in outgoing(evidence))
    began, doubted = first_moves(evidence, "enviando"), first_moves(evidence, DOUBTFUL)
    before: dict[str, list[Row]] = {}
    for line in evidence.accepted:
        row = rows.get((chat(line), line["texto"]))
        if row is None or unique[row.address, row.text] > 1:
            continue
        if overtakers := [other for other in before.get(row.address, []) if other.seq > row.seq]:
            # Of one conversation the moves are in the order in which they were made, on both databases.
            since = doubted.get(row.id, math.inf)
            unexcused = [other for other in overtakers if since >= began.get(other.id, 0)]
            verdict.count("reordered" if unexcused else "reordered after doubt", 1)
            for other in unexcused:
                verdict.blame("I3", f"{row.address}: el {row.seq} salió después del {other.seq}")
        before.setdefault(row.address, []).append(row)


def first_moves(evidence: Evidence, state: str) -> dict[int, int]:
    """By row: the number of its first move to `state`."""
    found: dict[int, int] = {}
    for number, what, row, _, new, _ in evidence.moves:
        if what == "message" and new == state:
            found.setdefault(int(row), number)
    return found


def sent_is_true(evidence: Evidence, verdict: Verdict) -> None:
    """I4 and I6: `enviado` means that the gateway has it, `en_cola` that it has not; in the end nothing waits."""
    ids = {line["id"].split("_")[2]: line for line in evidence.accepted}
    texts = {(chat(line), line["texto"]) for line in evidence.accepted}
    for row in outgoing(evidence):
        has = (row.address, row.text) in texts
        if row.state in SENT:
            verdict.count("sent", 1)
            if row.settled_by is None and (not has or not row.gateway_id or row.gateway_id not in ids):
                verdict.count("lost", not has)
                verdict.blame("I4", f"el mensaje {row.id} está {row.state} y el gateway no lo tiene ({row.gateway_id})")
            elif row.gateway_id in ids and ids[row.gateway_id]["texto"] != row.text:
                verdict.blame("I4", f"el mensaje {row.id} lleva el id de otro")
        elif row.state in WAITING:
            verdict.count("waiting", 1)
            verdict.blame("I6", f"el mensaje {row.id} sigue {row.state}")
            if has:
                verdict.blame("I2", f"el mensaje {row.id} está {row.state} y el gateway ya lo tiene")
        elif row.state == "sin_confirmar":
            verdict.count("doubtful", 1)
            verdict.count("doubtful though accepted", has)
        else:
            verdict.count({"fallido": "failed", "descartado": "discarded"}[row.state], 1)
            if row.state == "fallido" and has:
                verdict.blame("I4", f"el mensaje {row.id} está fallido y el gateway lo tiene")
    doubted = [row for row in evidence.rows if row.id in evidence.doubted]
    verdict.count("ever in doubt", len(doubted))
    verdict.count("in doubt and accepted", sum((row.address, row.text) in texts for row in doubted))
    verdict.count("accepted", len(evidence.accepted))


def moves(evidence: Evidence, verdict: Verdict) -> None:
    """I5 and I8: no move outside the table, none twice, and none to `enviando` while the breaker is open."""
    closed_at: float | None = None
    once: set[tuple[str, str]] = set()
    for _, what, row, old, new, at in evidence.moves:
        if what == "session":
            closed_at = None if new in ("1", "true") else at
            verdict.count("breaker opened", closed_at is not None)
            continue
        if new not in MOVES.get(old, ()):
            verdict.blame("I5", f"mensaje {row}: {old} -> {new}")
        if new in ("entregado", "leido", "enviado") and (row, new) in once:
            verdict.blame("I7", f"mensaje {row}: dos veces {new}")
        once.add((row, new))
        late = closed_at is not None and (not evidence.postgres or at - closed_at > AT_ONCE_S)
        if new == "enviando" and late:
            verdict.blame("I8", f"mensaje {row}: enviado con la conexión cerrada")


def calls(evidence: Evidence, verdict: Verdict) -> None:
    """No call of the gateway without a committed `enviando`."""
    attempts: dict[str, int] = {}
    for row in outgoing(evidence):
        attempts[row.text] = attempts.get(row.text, 0) + row.attempts
    made = repeated(line["texto"] for line in evidence.calls if line["que"] == "envio")
    # A sender that slept in the middle of its request may leave one without a body: only the sum can tell of it.
    if sum(made.values()) > sum(attempts.values()):
        verdict.blame("I9", f"{sum(made.values())} llamadas para {sum(attempts.values())} intentos")
    for text, count in made.items():
        if text is not None and count > attempts.get(text, 0):
            verdict.blame("I9", f"{count} llamadas para {attempts.get(text, 0)} intentos de {str(text)[:60]!r}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database")
    parser.add_argument("told", type=Path)
    parser.add_argument("simulator", type=Path)
    arguments = parser.parse_args()
    verdict = judge(read(arguments.database, arguments.told, arguments.simulator))
    counts = {"lost": 0, "duplicated": 0, "reordered": 0, "reordered after doubt": 0, **verdict.counts}
    print(json.dumps({"counts": counts, "broken": {name: found[:20] for name, found in verdict.broken.items()}}))
    for name, found in sorted(verdict.broken.items()):
        print(f"{name}: {len(found)}; {found[0]}", file=sys.stderr)
    return 1 if verdict.broken else 0


if __name__ == "__main__":
    sys.exit(main())

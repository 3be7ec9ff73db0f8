"""What clients were told, and how messages ended, judged by what the gateway did. Imports nothing of the desk."""

from __future__ import annotations

from tests.chaos.evidence import SENT, Evidence, Row, Verdict, chat, repeated

REFUSED, FAILED, DISCARDED = "rechazar", "fallido", "descartado"
# docs/delivery.md, 12: so many errors of ours, or processes lost, over one message fail it.
CRASHES = 5


def said(evidence: Evidence, verdict: Verdict) -> None:
    """I4: who was told 200 has a message that was sent, and who was told 422 one that the gateway never had."""
    rows = {row.key: row for row in evidence.rows if row.key}
    # Nothing of the simulator fails what it had accepted.
    has = {(chat(line), line["texto"]) for line in evidence.accepted}
    for line in evidence.told:
        row = rows.get(line["key"])
        if row is None or not line["body"].get("seq"):
            continue  # a row that is gone is I1's
        if line["status"] == 200 and row.state not in SENT:
            verdict.blame("I4", f"{line['key']}: se dijo enviado y está {row.state}")
        if line["status"] == 422 and (row.address, row.text) in has:
            verdict.blame("I4", f"{line['key']}: se dijo rechazado y el gateway lo tiene")


def ended(evidence: Evidence, verdict: Verdict) -> None:
    """I4 and I6: what ended unsent has a cause: a refusal, our own errors, or somebody who discarded it."""
    sends = [line for line in evidence.calls if line["que"] == "envio"]
    refused = {line["texto"] for line in sends if line["falla"] == REFUSED}
    # A sender that slept in the middle of its request was refused too, and nobody knows for which message.
    unknown = repeated(line["texto"] for line in sends).get(None, 0)
    has = {(chat(line), line["texto"]) for line in evidence.accepted}
    for row in evidence.rows:
        if row.state == FAILED and row.text not in refused:
            if row.crashes >= CRASHES:
                verdict.count("failed by our own errors", 1)
            elif unknown:
                unknown -= 1
            else:
                verdict.blame("I6", f"el mensaje {row.id} está fallido y nadie lo rechazó")
        if row.state == DISCARDED:
            discarded(row, has, evidence, verdict)


def discarded(row: Row, has: set[tuple[str, str]], evidence: Evidence, verdict: Verdict) -> None:
    """The assistant's words give way to a technician's; anything else only a person discards."""
    if row.role != "assistant" and row.settled_by is None:
        verdict.blame("I6", f"el mensaje {row.id} está descartado y nadie lo descartó")
    if (row.address, row.text) in has and row.id not in evidence.doubted:
        verdict.blame("I4", f"el mensaje {row.id} está descartado y el gateway lo tiene")

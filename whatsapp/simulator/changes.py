"""What happens to messages that are there already: edited, deleted, reacted to."""

from typing import Any

from .phones import Message, new_bare_id

EVENTS = {"editar": "message.edited", "eliminar": "message.revoked", "reaccionar": "message.reaction"}


def apply(message: Message, action: str, text: str, *, own: bool) -> None:
    """Change what the phones show."""
    if action == "editar":
        message.text, message.changes["editado"] = text, True
    elif action == "eliminar":
        message.changes["eliminado"] = True
    else:
        message.changes["reaccion_mesa" if own else "reaccion"] = text


def payload(message: Message, action: str, text: str, *, own: bool) -> dict[str, Any]:
    """Out: the payload of the event: https://waha.devlike.pro/docs/how-to/events/"""
    act: dict[str, Any] = {
        "id": f"{str(own).lower()}_{message.chat_id}_{new_bare_id()}",
        "timestamp": int(message.at),
        "from": message.chat_id,
        "fromMe": own,
        "participant": None,
    }
    if action == "editar":
        return {**act, "body": text, "editedMessageId": message.bare_id}
    if action == "eliminar":
        return {"after": act, "before": None, "revokedMessageId": message.bare_id}
    return {**act, "reaction": {"text": text, "messageId": message.id}}

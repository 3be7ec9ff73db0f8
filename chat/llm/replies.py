"""What becomes of a model's thought: only empty fields of this ticket, only what the person said, only our own words.

All here needs the conversation's lock; the caller saves the ticket and its intake.
"""

from __future__ import annotations

from chat import assistant, audit, interview, window
from chat.audit_models import Act
from chat.llm import endpoint, prompts
from chat.llm.answers import Thought, is_told
from chat.models import Conversation, Intake
from tickets.models import Contact, State, Ticket

PURPOSE = "intake"


def reply(
    conversation: Conversation, ticket: Ticket, intake: Intake, texts: list[str], thought: Thought | None
) -> None:
    """Answer `texts`, the person's words that nobody has answered: by `thought`, or without one by the rules."""
    contact = ticket.contact
    before = ticket.asked = "" if ticket.asked == assistant.THINKING else ticket.asked
    useful = thought is not None and thought.sure and (learn(ticket, contact, texts, thought) or thought.human)
    if not useful:
        # Who was not understood did not answer a question either: their words describe the problem.
        answered = intake.answered and (thought is None or thought.sure)
        for number, text in enumerate(texts):
            assistant.learn(ticket, contact, text, answered=answered and number == 0)
    contact.save(update_fields=["name", "department"])
    if thought:
        endpoint.count(PURPOSE, worth(thought, useful=useful))
    first = interview.last_words(ticket) is None
    if window.closed(conversation):
        ticket.asked = ""
    elif thought and (thought.human or not thought.sure):
        ticket.asked, intake.handed_over = "", True
        interview.say(conversation, ticket, assistant.handing_over(ticket, first=first), pregunta="")
    elif thought and may_try(ticket, intake, thought):
        ticket.asked, intake.steps = "", Intake.Steps.GIVEN
        interview.say(conversation, ticket, assistant.steps_to_try(ticket, thought.steps, first=first), pregunta="")
    else:
        interview.speak(conversation, ticket, contact, before, answered=intake.answered)


def worth(thought: Thought, *, useful: bool) -> str:
    """How the metrics call what came of it."""
    if thought.human:
        return "human"
    return ("used" if useful else "rules") if thought.sure else "unsure"


def may_try(ticket: Ticket, intake: Intake, thought: Thought) -> bool:
    """Whether steps are shown now: once per ticket, when nothing is left to ask and no technician has it."""
    asked = assistant.next_question(ticket, ticket.contact)
    return bool(thought.steps and not asked and ticket.technician_id is None and intake.steps == Intake.Steps.NONE)


def learn(ticket: Ticket, contact: Contact, texts: list[str], thought: Thought) -> bool:
    """Take from `thought` what the ticket lacks and the person said, in memory; returns whether there was anything."""
    for field in ("name", "department"):
        if not getattr(ticket, field):
            setattr(ticket, field, getattr(contact, field))
    rows = ticket.messages.filter(role="user").values_list("kind", "text")
    said = " ".join(prompts.said_in(kind, text) for kind, text in rows)
    found = {field: value for field, value in thought.fields.items() if field != "fault" and value}
    learned = False
    for field, value in found.items():
        if getattr(ticket, field) or not believable(ticket, field, value, said):
            continue
        setattr(ticket, field, value)
        learned = True
        if field in ("name", "department") and value != assistant.UNKNOWN:
            setattr(contact, field, value)
    learned = learn_fault(ticket, texts, thought.fields["fault"], said) or learned
    if not ticket.category and (ticket.fault or ticket.equipment):
        ticket.category = thought.category or assistant.first_match(
            assistant.CATEGORY, f"{ticket.fault} {ticket.equipment}"
        )
    return learned


def learn_fault(ticket: Ticket, texts: list[str], fault: str, said: str) -> bool:
    """Add what fails: the model's excerpt where it is one, else what the person wrote now."""
    if not fault or is_told(fault, ticket.fault):
        return False
    words = fault if is_told(fault, said) else "\n".join(filter(None, texts))
    if not words or is_told(words, ticket.fault):
        return False
    ticket.fault = f"{ticket.fault}\n{words}".strip()[:4000]
    return True


def note_fault(ticket: Ticket, texts: list[str]) -> None:
    """Keep what the person wrote, without a word of ours."""
    for text in texts:
        assistant.learn(ticket, ticket.contact, text, answered=False)


def believable(ticket: Ticket, field: str, value: str, said: str) -> bool:
    """Whether the person said it, or the model only named what they said, or that they do not know."""
    if value == assistant.UNKNOWN:
        return field == ticket.asked
    return is_told(value, said) or (field == "equipment" and value in assistant.EQUIPMENT)


def tried(conversation: Conversation, ticket: Ticket, intake: Intake, text: str) -> None:
    """The answer to "¿Se resolvió?", by our own rules: a clear yes closes a ticket that nobody has taken."""
    intake.steps = Intake.Steps.DONE
    intake.save(update_fields=["steps"])
    solved = assistant.is_solved(text)
    closes = solved and ticket.technician_id is None and ticket.state == State.PENDING
    if not solved and text:
        assistant.learn(ticket, ticket.contact, text if len(text.split()) > 2 else "", answered=False)
    if window.closed(conversation):
        return
    interview.say(conversation, ticket, assistant.after_trying(ticket, solved=solved, closed=closes), pregunta="")
    if closes:
        ticket.save()  # its turn came with the person's words, and ends by a change of state
        audit.record(Act.STATE, None, ticket, f"{ticket.state} → {State.RESOLVED}", name="asistente")
        ticket.change_state(State.RESOLVED)

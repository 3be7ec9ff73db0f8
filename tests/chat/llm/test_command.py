"""`manage.py asistente_probar` says whether the model can be asked."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.chat.llm.test_interview import STEPS, TOLD
from tests.fake_model import KEY, FakeModel, chat, raw, thought

pytestmark = pytest.mark.django_db(transaction=True)


def run() -> str:
    out = StringIO()
    call_command("asistente_probar", stdout=out)
    return out.getvalue()


def test_it_shows_what_the_model_made_of_an_invented_person(model: FakeModel) -> None:
    model.behaves(thought(**TOLD, pasos=STEPS))
    said = run()
    assert "  activo: ACT-0042\n" in said
    assert f"  paso 2: {STEPS[1]}\n✓ Contestó en " in said
    assert KEY not in said


def test_it_says_what_went_wrong(model: FakeModel) -> None:
    model.behaves(raw(b"", 404), chat("¡Claro!"))
    with pytest.raises(CommandError, match=r"el modelo respondió con un error \(HTTP 404\)"):
        run()
    with pytest.raises(CommandError, match="no cumple lo pedido"):
        run()


def test_without_a_model_it_says_so() -> None:
    with pytest.raises(CommandError, match="trabaja por reglas"):
        run()

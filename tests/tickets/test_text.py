from hypothesis import given
from hypothesis import strategies as st

from tickets.text import clean, fold, fold_all

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # with surrogates, as JSON's escapes can bring them


def test_fold_ignores_case_and_accents() -> None:
    assert fold("Óscar MUÑOZ Ibáñez") == "oscar munoz ibanez"


def test_fold_sees_composed_and_decomposed_letters_alike() -> None:
    assert fold("jose\u0301") == fold("jos\u00e9")


def test_fold_collapses_white_space() -> None:
    assert fold("  no\u00a0 enciende\n\tla  PC ") == "no enciende la pc"


def test_fold_expands_what_has_no_single_lower_case() -> None:
    assert fold("STRASSE") == fold("straße")


@given(ANY_TEXT)
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.lists(ANY_TEXT.map(clean), min_size=1, max_size=5))
def test_many_texts_are_folded_as_each_alone_but_for_white_space(texts: list[str]) -> None:
    assert [" ".join(folded.split()) for folded in fold_all(texts)] == [fold(text) for text in texts]


def test_clean_removes_nul() -> None:
    assert clean("ho\0la") == "hola"


def test_clean_removes_lone_surrogates() -> None:
    assert clean("ho\ud83dla\udfff") == "hola"


def test_clean_keeps_emoji_line_breaks_and_joiners() -> None:
    assert clean("👩‍💻\n¡listo!") == "👩‍💻\n¡listo!"


@given(ANY_TEXT)
def test_clean_text_can_always_be_stored(text: str) -> None:
    assert b"\0" not in clean(text).encode("utf-8")

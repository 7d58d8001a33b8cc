"""An error says what is wrong with what, also where only its text is looked at."""

import pytest

from dx_action.errors import ActionError, BadInput, InvalidValue, Problem, naming_input


def test_a_problem_is_a_sentence_about_an_input() -> None:
    assert str(Problem("service", "is missing.")) == "`service` is missing."
    assert BadInput.of("service", "is missing.").problems == (Problem("service", "is missing."),)


def test_the_text_of_an_error_has_all_of_them() -> None:
    error = ActionError(Problem("service", "is missing."), Problem("timeout", "is no number."))
    assert str(error) == "`service` is missing.; `timeout` is no number."


def test_an_error_names_its_input() -> None:
    with pytest.raises(BadInput) as caught, naming_input("ca-bundle", "cannot be used: "):
        raise InvalidValue("is empty.")
    assert caught.value.problems == (Problem("ca-bundle", "cannot be used: is empty."),)
    assert caught.value.__cause__ is None
    with naming_input("ca-bundle"):
        pass

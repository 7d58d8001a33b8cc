"""What an exception wraps is found wherever libraries keep it, and each once."""

from dx_action.runner.causes import causes


class ReasonedError(Exception):
    """As urllib3 has it."""

    def __init__(self, reason: object) -> None:
        super().__init__("words")
        self.reason = reason


def test_it_is_found_as_a_reason_an_argument_a_cause_and_a_context() -> None:
    inner = [OSError(name) for name in ("reason", "argument", "cause", "context")]
    outer = ReasonedError(inner[0])
    outer.args = ("words", inner[1])
    outer.__cause__, outer.__context__ = inner[2:]
    found = list(causes(outer))
    assert found[0] is outer
    assert {id(each) for each in found[1:]} == {id(each) for each in inner}


def test_it_is_found_however_deep() -> None:
    deep = OSError("deep")
    assert deep in list(causes(ReasonedError(ValueError(RuntimeError(deep)))))


def test_a_circle_is_walked_once() -> None:
    first, second = ValueError("a"), ReasonedError("no exception")
    first.__context__, second.__context__ = second, first
    assert list(causes(first)) == [first, second]

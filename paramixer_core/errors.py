"""What goes wrong, said in one sentence: what was expected, what came, what to do."""


class ParamixerError(ValueError):
    """Base class of every error that this library raises on bad input.

    The message is one sentence for the person who caused it: expected, then got, then what to do.
    """

    def __init__(self, expected: str, got: object, remedy: str) -> None:
        self.expected = expected
        self.got = got
        self.remedy = remedy
        super().__init__(f"Expected {expected}, got {got}: {remedy}.")

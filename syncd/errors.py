"""The one family of errors that syncd raises on purpose. The text of each is a sentence for the operator."""


class SyncdError(Exception):
    """Something syncd can name went wrong; the message says what, with which id, and what to do."""


class ConfigurationError(SyncdError):
    """The configuration is wrong. `problems` lists every mistake found, not only the first."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))

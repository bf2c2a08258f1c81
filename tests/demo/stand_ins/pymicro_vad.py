"""Replacement for pymicro-vad."""


class MicroVad:
    """A speech detector that does not work here."""

    def __init__(self) -> None:
        """Fail: there is no detector.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError("pymicro-vad is not installed")

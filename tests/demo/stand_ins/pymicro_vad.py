"""Stands in for pymicro-vad."""


class MicroVad:
    """Tells speech from silence, but not here."""

    def __init__(self) -> None:
        """Say that this is no detector.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError("pymicro-vad is not installed")

"""Replacement for pyspeex-noise."""


class AudioProcessor:
    """A noise filter that does not work here."""

    def __init__(self, *_: object) -> None:
        """Fail: there is no filter.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError("pyspeex-noise is not installed")

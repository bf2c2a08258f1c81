"""Stands in for pyspeex-noise."""


class AudioProcessor:
    """Takes the noise out of speech, but not here."""

    def __init__(self, *_: object) -> None:
        """Say that this is no processor.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError("pyspeex-noise is not installed")

"""What can go wrong with a source, as three errors that are handled differently.

Protects: a wrong document, a day that is not published yet and a source that is down are never mistaken for each other.
"""

from domain.ports import DocumentRefused, NotPublished


class BadDocument(DocumentRefused):
    """The document is refused. One sentence: its origin, what is wrong in which slot, and the way out."""


class NotYetPublished(NotPublished):
    """The source answered and does not have the whole day yet: ask again later."""


class SourceUnavailable(NotPublished):
    """The source did not answer, or answered that it cannot.

    `retry_after_s` is how long it asked us to wait, in wall seconds; None where it did not say.
    """

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


def refused(origin: str, what: str, way_out: str) -> BadDocument:
    """The error for a document: "ORIGIN what; way out."."""
    return BadDocument(f"{origin} {what}; {way_out}.", origin)

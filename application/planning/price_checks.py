"""What judging one price document found, as every face shows it.

Protects: a refused document shows no slots, and an accepted one shows every slot of its days.
"""

from collections.abc import Sequence
from typing import Literal

from domain.base import Instant, Value
from domain.planning.series import WholesalePrices
from domain.slots import SLOT


class CheckedSlot(Value):
    """A slot's price."""

    start: Instant
    eur_per_mwh: float


class Verdict(Value):
    """One thing that judging found."""

    kind: Literal["refused", "note"]
    sentence: str


class PriceCheck(Value):
    """A document's verdicts, and its slots where it was accepted."""

    source: str
    price_area: str
    currency: str
    """Currency of the document; slots are in euros."""
    resolution_min: int | None
    """The finest resolution that was published; None where the document was refused."""
    slots: tuple[CheckedSlot, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def refusal(self) -> str | None:
        """The sentence with which the document was refused; None where it was accepted."""
        return next((verdict.sentence for verdict in self.verdicts if verdict.kind == "refused"), None)


def price_check(
    source: str,
    price_area: str,
    currency: str,
    days: Sequence[WholesalePrices],
    notes: Sequence[str],
    refusal: str | None,
) -> PriceCheck:
    """The result of a check; `days` are the document's market days, none where it was refused."""
    verdicts = [] if refusal is None else [Verdict(kind="refused", sentence=refusal)]
    return PriceCheck(
        source=source,
        price_area=price_area,
        currency=currency,
        resolution_min=min((day.resolution_min for day in days), default=None),
        slots=tuple(
            CheckedSlot(start=day.start + n * SLOT, eur_per_mwh=price)
            for day in days
            for n, price in enumerate(day.price_eur_per_mwh)
        ),
        verdicts=(*verdicts, *(Verdict(kind="note", sentence=note) for note in notes)),
    )

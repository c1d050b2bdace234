"""Reading XML documents, bounded in size, depth and number of elements, without document types or entities.

Protects: no entity is expanded and nothing outside the document is fetched; memory stays a small multiple of the size.
"""

from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from market.documents import MAX_DOCUMENT_BYTES, clip, too_large
from market.errors import refused

DEEPEST = 16
"""A market document has six levels."""
MOST_ELEMENTS = 250_000
"""A year of quarter-hours has 105,000."""


class _Refused(Exception):
    """The document has something that no market document has."""


def read_xml(raw: bytes, origin: str) -> Element:
    """The root element, names without their namespace; raises `BadDocument`."""
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise too_large(origin)
    if not raw.strip():
        raise refused(origin, "is empty", "fetch it again or give another file")
    builder = TreeBuilder()
    depth = elements = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, elements
        depth, elements = depth + 1, elements + 1
        if depth > DEEPEST or elements > MOST_ELEMENTS:
            raise _Refused("is nested too deeply" if depth > DEEPEST else "has too many elements")
        builder.start(name.rpartition(" ")[2], attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name.rpartition(" ")[2])

    def doctype(*_: object) -> None:
        # Entities can only be declared here: without it there is nothing to expand and nothing to fetch.
        raise _Refused("declares a document type")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(raw, True)
        return builder.close()
    except _Refused as error:
        raise refused(origin, f"{error}, which no market document does", "give another one") from None
    except (expat.ExpatError, ValueError, LookupError, AssertionError) as error:
        # A ValueError or LookupError is an encoding that does not exist or cannot be decoded.
        raise refused(origin, f"is not XML ({clip(str(error), 120)})", "give an XML document") from None

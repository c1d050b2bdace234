"""Price and weather sources: documents are read, judged, and only then believed.

Protects: a number reaches a plan as it was published, or not at all; nothing is clamped, filled in or guessed.
"""

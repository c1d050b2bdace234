"""Day-ahead prices and weather forecasts: documents are read into rows, judged, and only then used.

Protects: a number reaches a plan as it was published or not at all; nothing is clamped, filled in or guessed.
"""

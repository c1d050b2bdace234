"""Formats of whole-house meters, one module each with a `FORMAT`.

Protects: what a new format is called and how it is read is said in its module alone.
"""

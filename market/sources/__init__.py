"""Price sources, one module each: how to ask for a market day, and how to turn the answer into rows.

Protects: a source's module reads its format and judges nothing; every source is judged by the same rules.
"""

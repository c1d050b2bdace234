"""Weather sources, one module each: how to ask for a forecast, and how to turn the answer into columns.

Protects: a source's module reads its format and judges nothing; every source is judged by the same rules.
"""

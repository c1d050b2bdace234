"""What houses draw, as their meters say.

Protects: readings are kept as they came, whatever is made of them.
"""

"""Judging rows of prices and weather, whatever source they came from.

Protects: a rule exists once and applies to every source.
"""

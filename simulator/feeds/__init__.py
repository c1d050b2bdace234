"""Fake price and weather services."""

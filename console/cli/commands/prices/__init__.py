"""Prices and tariffs: versions, checks of documents, and what a home pays."""

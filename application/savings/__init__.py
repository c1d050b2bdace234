"""Savings: experiments, imported energy, settlement by hand, reports."""

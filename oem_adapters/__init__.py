"""Vendor clouds behind one contract, `domain.oem.ports.OemAdapter`.

Protects: outside this package nobody knows a vendor's wire, and nobody names a concrete vendor.
"""

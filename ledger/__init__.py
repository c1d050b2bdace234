"""The ledger: PostgreSQL memory of pumps, series, plans, commands and observations."""

"""Read-only questions to the ledger, by who asks: people, reports, plans and what was."""

"""What the ledger keeps of vendors: their state and rate, calls that were claimed and made, invitations to accounts."""

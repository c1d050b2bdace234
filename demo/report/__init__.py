"""The report of a run, from the ledger's rows and the simulator's truth."""

"""What judges a run: the rules, the oracle, and a second reading of manual changes."""

"""The pages below /_world: what demos and tests may read of the truth, and what they may cause."""

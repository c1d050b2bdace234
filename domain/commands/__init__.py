"""Commands: their life, and what counts as evidence that a pump obeyed."""

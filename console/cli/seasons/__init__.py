"""`heatsteer backtest`: its options, its progress, and what came out as text and as a page."""

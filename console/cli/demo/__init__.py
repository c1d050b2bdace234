"""`heatsteer demo`: its options, its progress on a terminal and its report as text."""

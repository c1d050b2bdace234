"""Whether claimed savings are true: homes simulated once, experiments redrawn, how often intervals hold the truth."""

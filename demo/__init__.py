"""A fleet steered through a simulated day, from nothing to a report."""

"""Houses that obey physics: building, heat pump, hot water, control and weather; no wire, no vendor, no faults."""

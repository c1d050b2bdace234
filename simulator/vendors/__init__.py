"""One folder per vendor: its wire format, its dialect, the units it sells. What they share is in `simulator.clouds`."""

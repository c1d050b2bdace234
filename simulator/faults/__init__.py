"""The one switchboard of faults: rates, dice, outages and the count of calls."""

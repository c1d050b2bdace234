"""What a plan is worth over a season: controllers that live the same days in the simulator's houses, on real prices and
weather. No server takes part."""

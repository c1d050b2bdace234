"""What a plan is worth over a season: controllers played in the simulator's houses on real prices and weather."""

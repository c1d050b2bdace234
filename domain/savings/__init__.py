"""What steering earned: energy by evidence, the experiment's draw, home-days and what is claimed of them."""

"""Plans: what is asked of the planner, what it answers, and what one pump receives."""

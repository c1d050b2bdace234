"""What is planned, from which houses and which weather, and what load it makes."""

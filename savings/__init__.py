"""Statistics of savings: from home-days to what is claimed of them."""

"""The pure heart of heatsteer: values, the pump's decisions, plans, commands. No clock, no network, no database."""

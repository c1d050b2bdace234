"""The pure heart of heatsteer: values, the pump's decisions, plans, commands. Reads no clock, no network, no database."""

"""The `heatsteer` command: thin over `application`."""

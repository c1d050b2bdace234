"""The `heatsteer` command, and the use cases behind it."""

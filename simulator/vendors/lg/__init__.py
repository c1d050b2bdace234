"""The fake LG ThinQ Connect cloud and the air-to-water units behind it, from its documents and client."""

"""Activities: the edge of the world as Temporal sees it, one class per concern, everything injected."""

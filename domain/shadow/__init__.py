"""Shadow mode: judging what another system commanded by what was observed."""

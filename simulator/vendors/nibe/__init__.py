"""The fake myUplink cloud and the NIBE units behind it, from the vendor's documents alone."""

"""The fake Viessmann IoT cloud (v2) and the units behind it, from the vendor's documents and public error bodies."""

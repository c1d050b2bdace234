"""The fake Daikin Onecta cloud and the units behind it, from the vendor's documents and public answers."""

"""Use cases on vendor accounts: connecting, looking, discovering, disconnecting."""

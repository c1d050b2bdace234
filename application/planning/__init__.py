"""Use cases on what is planned with: the planning Schedule and prices."""

"""What all fake clouds share: front door, OAuth server, budgets, delivery of writes, answers on the wire."""

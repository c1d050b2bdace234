"""The vendor's side: what a cloud can be asked, its errors, its breaker and its credentials."""

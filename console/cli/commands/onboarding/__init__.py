"""The way of homes onto the system: accounts, enrolment, shadow mode, cut-over."""

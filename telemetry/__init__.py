"""Where everything that can be measured or logged passes through: one hub, any number of listeners."""

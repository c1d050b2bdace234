"""What shows the fleet as it is: metrics for Prometheus, and `heatsteer top`."""

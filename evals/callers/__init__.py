"""The simulated people on the line."""

"""`reauto up`: owns the embedded servers, migrates once, starts workers and drains them."""

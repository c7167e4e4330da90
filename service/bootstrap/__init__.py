"""The composition root: what is made from the settings, opened in order, closed in reverse."""

"""`reauto demo`: the main job end to end, on a machine with nothing but this project."""

"""Alembic's script folder: the environment and the versions."""

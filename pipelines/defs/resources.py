"""What assets need from outside: the settings, read from the environment when a run starts."""

import dagster as dg

from service.settings import load_settings


@dg.definitions
def resources() -> dg.Definitions:
    """`settings` says where the database and the data folder are; it is never stored with a run."""
    return dg.Definitions(resources={"settings": dg.ResourceDefinition(lambda _: load_settings())})

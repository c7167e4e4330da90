"""Runs the migrations on the connection that `service.adapters.postgres.schema` hands over.

Alembic executes this file; nothing imports it.
"""

from alembic import context

from service.adapters.postgres.schema import in_migrations
from service.adapters.postgres.tables import Xid8, metadata

connection = context.config.attributes["connection"]
connection.dialect.ischema_names = {**connection.dialect.ischema_names, "xid8": Xid8}
context.configure(
    connection=connection,
    target_metadata=metadata,
    include_object=in_migrations,
    compare_server_default=False,
)
with context.begin_transaction():
    context.run_migrations()

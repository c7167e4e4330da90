import asyncio
import re
from typing import Any

import adbc_driver_postgresql.dbapi
import pytest

from pipelines.lib.tables import RAW_TABLES, RawTable
from service.adapters.postgres.schema import downgrade, migrate

COLUMNS = """
    SELECT table_name, column_name, data_type FROM information_schema.columns
    WHERE table_schema = 'analytics'
"""


def rows(database_url: str, query: str) -> list[dict[str, Any]]:
    with (
        adbc_driver_postgresql.dbapi.connect(database_url) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(query)
        found: list[dict[str, Any]] = cursor.fetch_arrow_table().to_pylist()
        return found


@pytest.mark.parametrize("table", RAW_TABLES, ids=lambda table: table.name)
def test_a_raw_table_has_exactly_the_columns_of_its_view(
    table: RawTable, postgres_url: str
) -> None:
    columns = {
        f"analytics.{row['table_name']}.{row['column_name']}" for row in rows(postgres_url, COLUMNS)
    }
    of_view = {column.split(".")[2] for column in columns if column.startswith(f"{table.view}.")}
    assert set(table.schema.names) == of_view
    assert {*table.key, table.day_of, "row_xid"} <= of_view


def test_no_view_shows_who_was_called(postgres_url: str) -> None:
    names = [row["column_name"] for row in rows(postgres_url, COLUMNS)]
    assert names
    assert [name for name in names if re.search(r"number|phone|name|address|email", name)] == []


def test_the_views_go_and_come_back_with_their_migration(empty_postgres_url: str) -> None:
    def views() -> set[str]:
        found = rows(
            empty_postgres_url, "SELECT viewname FROM pg_views WHERE schemaname = 'analytics'"
        )
        return {row["viewname"] for row in found}

    asyncio.run(migrate(empty_postgres_url, revision="0002_analytics"))
    assert views() == {"calls", "turns", "ledger"}
    asyncio.run(downgrade(empty_postgres_url, revision="0001_base"))
    assert views() == set()
    asyncio.run(migrate(empty_postgres_url))
    assert views() == {"calls", "turns", "ledger"}


def test_what_the_views_read_is_indexed_by_transaction(postgres_url: str) -> None:
    indexes = rows(
        postgres_url,
        "SELECT indexdef FROM pg_indexes WHERE indexdef LIKE '%(row_xid)' AND tablename IN "
        "('calls', 'conversations', 'turns', 'ledger_entries')",
    )
    assert len(indexes) == 4

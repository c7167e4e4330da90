"""The embedded servers of this data folder: where they live, and settings that point at them."""

from pathlib import Path

from service.adapters.postgres.embedded import EmbeddedPostgres
from service.adapters.redis.embedded import EmbeddedRedis
from service.domain.errors import InvalidSettings
from service.settings import PREFIX, Settings
from service.supervisor.leftovers import STATE_FILE


def embedded_postgres(data_dir: Path) -> EmbeddedPostgres:
    """The PostgreSQL under `data_dir`, not started."""
    return EmbeddedPostgres(data_dir / "local" / "postgres")


def embedded_redis(data_dir: Path) -> EmbeddedRedis:
    """The Redis under `data_dir`, not started."""
    return EmbeddedRedis(data_dir / "local" / "redis")


def with_embedded_urls(settings: Settings) -> Settings:
    """Fill in the URLs that are not set, for commands beside a running `reauto up`.

    Raises InvalidSettings when a URL is missing and no supervisor runs its server here.
    """
    missing = [
        f"  {PREFIX}{name}: is not set, and no `reauto up` runs its embedded server here"
        for name, url in (
            ("DATABASE_URL", settings.database_url),
            ("REDIS_URL", settings.redis_url),
        )
        if url is None
    ]
    if missing and not (settings.data_dir / "local" / STATE_FILE).exists():
        raise InvalidSettings("these settings need attention:\n" + "\n".join(missing))
    return settings.model_copy(
        update={
            "database_url": settings.database_url or embedded_postgres(settings.data_dir).url,
            "redis_url": settings.redis_url or embedded_redis(settings.data_dir).url,
        }
    )

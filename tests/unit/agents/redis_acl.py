"""Users of a real Redis for tests: the application's, and an administrator that may switch it off."""

import contextlib
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from gameday.model.agent import RedisAddress
from gameday.model.redis_user import RedisUser
from unit.redis_peers import Servers

APP, APP_PASSWORD = "app", "of-the-app"
ADMIN, ADMIN_PASSWORD = "drill-admin", "of-the-administrator"
APP_RULES: Final = ("on", f">{APP_PASSWORD}", "~jobs:*", "+@all", "-@dangerous")
ADMIN_RULES: Final = (
    "on", f">{ADMIN_PASSWORD}", "+acl|getuser", "+acl|setuser", "+acl|whoami", "+client|list", "+client|kill", "+role",
    "+cluster|slots",
)  # fmt: skip


async def users(made: Servers, ports: Iterable[int], admin: tuple[str, ...] = ADMIN_RULES) -> None:
    """Every server knows both."""
    for port in ports:
        async with made.client(port) as one:
            await one.execute_command("ACL", "SETUSER", APP, *APP_RULES)
            await one.execute_command("ACL", "SETUSER", ADMIN, *admin)


def user(folder: Path, port: int, password: str = ADMIN_PASSWORD, **more: Any) -> RedisUser:
    """The application's user, and its administrator with this password."""
    file = folder / "admin-password"
    file.write_text(f"{password}\n")
    address = RedisAddress("127.0.0.1", port, username=ADMIN, password_file=str(file))
    return RedisUser(APP, address, **more)


async def known(made: Servers, port: int) -> Any:
    """All that a server knows of the user."""
    async with made.client(port) as one:
        return await one.execute_command("ACL", "GETUSER", APP)


async def is_on(made: Servers, port: int) -> bool:
    """Whether the user is on there."""
    async with made.client(port) as one:
        listed = await one.execute_command("ACL", "LIST")
    line = next(line for line in listed if line.startswith(f"user {APP} "))
    return bool(line.split()[2] == "on")


@contextlib.asynccontextmanager
async def connected(port: int, name: str = "") -> AsyncIterator[Redis]:
    """A client of the application, on one connection."""
    options: dict[str, Any] = {"client_name": name} if name else {}
    client = Redis(
        port=port,
        username=APP,
        password=APP_PASSWORD,
        single_connection_client=True,
        retry=Retry(NoBackoff(), 0),
        **options,
    )
    async with client:
        await client.ping()
        yield client

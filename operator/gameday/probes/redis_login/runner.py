"""The redisLogin probe, as an agent runs it: a new login at each address, and a held connection that is asked again.

A login that is refused is an answer of the system, and never unknown. Only ``WRONGPASS`` is one: a server that has too
many clients, or loads its data, answers with another error, which says nothing about the user.
"""

import asyncio
import contextlib
from dataclasses import replace
from typing import Any, Final

from gameday.model.agent import ProbeTask
from gameday.model.redis_user import LOGIN
from gameday.probes.io.lookup import NotSent
from gameday.probes.io.resp import AUTH, Connection, ProtocolError, RedisError, error_code
from gameday.probes.io.secrets import Secrets
from gameday.probes.redis_login.config import LoginConfig
from gameday.probes.runner import ProbeResult, ProbeRunner, unknown_result

MOST_ADDRESSES: Final = 16
"""Addresses of the name that are asked at most."""
REFUSED: Final = "WRONGPASS"
"""What Redis answers a user that is off, or that gives another password."""


class RedisLoginRunner(ProbeRunner):
    """Logs in as a user."""

    def __init__(self, task: ProbeTask, secrets: Secrets) -> None:
        super().__init__(task, secrets)
        server = LoginConfig.read(task.config).server
        self._user, self._password_file = server.username, server.password_file
        # Logged in by itself: of a connection that logs in, every error is one and the same.
        self._server = replace(server, username="", username_file="", password_file="", database=0)
        self._secrets = secrets
        self._timeout = task.timeout
        self._held: dict[str, Connection] = {}

    async def __call__(self) -> ProbeResult:
        """Ask once."""
        try:
            password = self._secrets.read(self._password_file)
            addresses = await self.lookup.addresses(self._server.host, self._server.port)
            held = await self._ask_held()
            errors = await asyncio.gather(*(self._login(one, password) for one in addresses[:MOST_ADDRESSES]))
        except (OSError, UnicodeError):
            return unknown_result("auth", "the password of the user cannot be read: check its Secret")
        except NotSent as error:
            return unknown_result(error.word, str(error))
        wrong = [one for one in errors if one is not None]
        values: dict[str, Any] = {"refused": bool(wrong) and wrong == [REFUSED] * len(errors), "held": held}
        shown = ("auth" if wrong[0] == REFUSED else wrong[0]) if wrong else None
        return ProbeResult(ok=not wrong, error=shown, values=values)

    async def close(self) -> None:
        """Hang up."""
        for connection in self._held.values():
            connection.close()
        self._held.clear()

    async def _ask_held(self) -> bool:
        """Whether a connection that is held still answers; one that does not is dropped."""
        for address, connection in list(self._held.items()):
            # Put back only if it answers: one whose answer is not waited for is closed, and must not be opened anew.
            del self._held[address]
            try:
                await connection.call("PING")
            except RedisError as error:
                if str(error) in AUTH:
                    connection.close()
                    continue
            except (ProtocolError, OSError, NotSent):
                continue
            self._held[address] = connection
        return bool(self._held)

    async def _login(self, address: str, password: str) -> str | None:
        """Log in anew; None where that works, or a short word. The first connection of an address is held."""
        connection = Connection(self._server, self._secrets, self._timeout, (address, self._server.port), self.lookup)
        try:
            await connection.call("AUTH", self._user, password)
            with contextlib.suppress(RedisError):
                await connection.call("CLIENT", "SETNAME", LOGIN)
        except RedisError as error:
            connection.close()
            return REFUSED if str(error) == REFUSED else error_code(error)
        except (ProtocolError, OSError) as error:
            connection.close()
            return error_code(error)
        except BaseException:
            connection.close()
            raise
        if address in self._held:
            connection.close()
        else:
            self._held[address] = connection
        return None


RUNNER: Final = RedisLoginRunner

"""A real PostgreSQL, for tests: on loopback or at an address of this machine, with TLS of a private CA or without."""

import asyncio
import os
import pwd
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from unit.ports import free_port

GET = Path(__file__).parents[1] / "cluster" / "databases" / "get"
ANYBODY = "0.0.0.0/0"
USER = "nobody"
"""Whose process it is where tests run as root, as which PostgreSQL does not run."""


@dataclass
class Postgres:
    """A server that runs."""

    host: str
    port: int
    folder: Path
    process: asyncio.subprocess.Process

    def log(self) -> str:
        """What it has logged."""
        return (self.folder / "log").read_text()


def _as_user(folder: Path) -> tuple[str, ...]:
    """How a program is started that must not be root; the folder is given to that user."""
    if os.geteuid() != 0:
        return ()
    user = pwd.getpwnam(USER)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid)
    return ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")


def _programs() -> Path:
    got = subprocess.run([GET], capture_output=True, text=True, check=False)
    if got.returncode:
        pytest.fail(got.stderr, pytrace=False)
    return Path(got.stdout.strip())


def _settings(folder: Path, certificate: str, key: str) -> tuple[str, ...]:
    """Put the certificate into the folder; the options by which it is used."""
    folder.mkdir(exist_ok=True)
    if not certificate:
        return ()
    for name, file in (("server.crt", certificate), ("server.key", key)):
        shutil.copy(file, folder / name)
        (folder / name).chmod(0o600)
    named = (f"ssl_cert_file={folder / 'server.crt'}", f"ssl_key_file={folder / 'server.key'}")
    return ("-c", "ssl=on", *(word for setting in named for word in ("-c", setting)))


@asynccontextmanager
async def postgres(
    folder: Path, host: str = "127.0.0.1", *, certificate: str = "", key: str = ""
) -> AsyncIterator[Postgres]:
    """A PostgreSQL that listens, until the context ends; with a certificate it speaks TLS."""
    programs, secure = _programs(), _settings(folder, certificate, key)
    who, port = _as_user(folder), free_port()
    data, log = folder / "data", folder / "log"
    environment = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
    made = await asyncio.create_subprocess_exec(
        *who, programs / "initdb", "-D", data, "-U", "app", "-A", "trust", "--no-sync",
        stdout=asyncio.subprocess.DEVNULL, env=environment, cwd=folder,
    )  # fmt: skip
    assert await made.wait() == 0, "initdb failed"
    with (data / "pg_hba.conf").open("a") as written:
        # By itself it admits loopback alone.
        written.write(f"host all all {ANYBODY} trust\n")
    with log.open("wb") as written:
        process = await asyncio.create_subprocess_exec(
            *who, programs / "postgres", "-D", data, "-h", host, "-p", str(port), "-k", folder, "-F", *secure,
            stdout=written, stderr=written, env=environment, cwd=folder,
        )  # fmt: skip
    server = Postgres(host, port, folder, process)
    try:
        async with asyncio.timeout(30):
            while "ready to accept connections" not in server.log():
                if process.returncode is not None:
                    pytest.fail(server.log(), pytrace=False)
                await asyncio.sleep(0.05)
        yield server
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()

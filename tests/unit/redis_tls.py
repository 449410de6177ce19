"""A real redis-server on loopback that speaks TLS alone, with certificates of a private CA, for tests."""

import asyncio
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from gameday.model.agent import RedisAddress
from unit.ports import free_port
from unit.redis_server import PASSWORD, run_redis

NAME = "eu1-example.redis.test"
"""The name in the server's certificate."""
USER = "app"
_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files of a private CA, and of what it has signed."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> "Certificates":
        """Make them."""
        one = cls(folder)
        _openssl("req", "-x509", *_CURVE, "-subj", "/CN=private CA", "-keyout", one.key("ca"), "-out", one.of("ca"))
        for name, alternatives in (("server", f"DNS:{NAME}"), ("client", "DNS:gameday")):
            request, extra = str(folder / f"{name}.csr"), folder / f"{name}.ext"
            extra.write_text(f"subjectAltName={alternatives}\n")
            _openssl("req", *_CURVE, "-subj", f"/CN={name}", "-keyout", one.key(name), "-out", request)
            signed = ("-CA", one.of("ca"), "-CAkey", one.key("ca"), "-CAcreateserial", "-extfile", str(extra))
            _openssl("x509", "-req", "-in", request, *signed, "-out", one.of(name))
        return one

    def of(self, name: str) -> str:
        """The certificate of that name."""
        return str(self.folder / f"{name}.crt")

    def key(self, name: str) -> str:
        """Its key."""
        return str(self.folder / f"{name}.key")


def _openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


@dataclass
class TlsRedis:
    """A redis-server that wants TLS with a client certificate, and the user ``USER``."""

    certificates: Certificates
    port: int = 0
    addresses: tuple[str, ...] = ("127.0.0.1",)
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        self.port, files = free_port(), self.certificates

        async def listens() -> None:
            _, writer = await asyncio.open_connection(self.addresses[0], self.port)
            writer.close()

        self.process = await run_redis(
            "--port", "0", "--tls-port", str(self.port), "--bind", *self.addresses, "--save", "",
            "--protected-mode", "no",
            "--tls-cert-file", files.of("server"), "--tls-key-file", files.key("server"),
            "--tls-ca-cert-file", files.of("ca"), "--user", USER, "on", f">{PASSWORD}", "~*", "+@all",
            "--user", "default", "off", until=listens,
        )  # fmt: skip

    async def kill(self) -> None:
        """End it at once."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    def address(self, folder: Path) -> RedisAddress:
        """How an agent is given it, with its credentials as files in a folder."""
        for name, text in (("user", USER), ("password", PASSWORD)):
            (folder / name).write_text(text + "\n")
        files = self.certificates
        return RedisAddress(
            self.addresses[0], self.port, password_file=str(folder / "password"), tls=True,
            username_file=str(folder / "user"), ca_file=files.of("ca"), server_name=NAME,
            certificate_file=files.of("client"), key_file=files.key("client"),
        )  # fmt: skip

    async def run(self, *words: str) -> None:
        """Have it carry a command out."""
        context = ssl.create_default_context(cafile=self.certificates.of("ca"))
        context.load_cert_chain(self.certificates.of("client"), self.certificates.key("client"))
        reader, writer = await asyncio.open_connection(self.addresses[0], self.port, ssl=context, server_hostname=NAME)
        writer.write(f"AUTH {USER} {PASSWORD}\r\nSELECT 3\r\n{' '.join(words)}\r\n".encode())
        for _ in range(3):
            assert not (await reader.readline()).startswith(b"-")
        writer.close()

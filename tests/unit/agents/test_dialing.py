"""What a witness asks of the cluster's DNS: a name that it knows itself."""

import asyncio
import struct
from pathlib import Path
from typing import cast

import pytest

from gameday.agents import dialing
from gameday.agents.dialing import cluster_name, dial
from gameday.model.agent import Dial


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\n", "cluster.local"),
        ("nameserver 10.0.0.10\nsearch shop.svc.corp.example. svc.corp.example. corp.example.\n", "corp.example"),
        ("nameserver 10.0.0.10\n", "cluster.local"),
    ],
)
def test_the_api_servers_name_is_asked_for_in_full(text: str, name: str) -> None:
    assert cluster_name(text) == f"kubernetes.default.svc.{name}"


class Server(asyncio.DatagramProtocol):
    """Answers for names of its own domain only, as a DNS server without an upstream does."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if b"\x05corp1" in data:
            self.transport.sendto(data[:2] + struct.pack("!H", 0x8180) + data[4:], addr)


async def test_a_dns_server_without_an_upstream_answers_the_dial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Server, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    conf = tmp_path / "resolv.conf"
    conf.write_text("search shop.svc.corp1 svc.corp1 corp1\n")
    monkeypatch.setattr(dialing, "RESOLV_CONF", conf)
    async with asyncio.timeout(5):
        assert await dial(Dial("dns", "127.0.0.1", port, "dns")) is None
    transport.close()
    await asyncio.sleep(0)

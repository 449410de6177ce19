"""A small DNS server on loopback, for tests: it answers A and AAAA from a table, over UDP and TCP."""

import asyncio
import ipaddress
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


@dataclass
class DnsServer(asyncio.DatagramProtocol):
    """``table`` has the addresses of names in full; a name that is not in it does not exist."""

    table: dict[str, tuple[str, ...]] = field(default_factory=dict)
    silent: bool = False
    broken: frozenset[str] = frozenset()
    """Families that it answers with SERVFAIL."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0
    truncates: bool = False
    """Whether what it answers by UDP is cut short."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers."""
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer a question."""
        if not self.silent:
            answer = self.answer(data)
            if self.truncates:
                answer.answer.clear()
                answer.flags |= dns.flags.TC
            self.transport.sendto(answer.to_wire(), addr)

    def answer(self, question: bytes) -> dns.message.Message:
        """The answer to a question."""
        query = dns.message.from_wire(question)
        (asked,) = query.question
        name, family = asked.name.to_text().rstrip("."), dns.rdatatype.to_text(asked.rdtype)
        self.asked.append((name, family))
        answer = dns.message.make_response(query)
        if family in self.broken:
            answer.set_rcode(dns.rcode.SERVFAIL)
            return answer
        if name not in self.table:
            answer.set_rcode(dns.rcode.NXDOMAIN)
            return answer
        version = {"A": 4, "AAAA": 6}[family]
        found = [one for one in self.table[name] if ipaddress.ip_address(one).version == version]
        if found:
            answer.answer.append(dns.rrset.from_text(asked.name, 1, "IN", family, *found))
        return answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one question by TCP."""
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        wire = self.answer(await reader.readexactly(length)).to_wire()
        writer.write(struct.pack("!H", len(wire)) + wire)
        writer.close()


@asynccontextmanager
async def dns_server(address: str = "127.0.0.1", port: int = 0) -> AsyncIterator[DnsServer]:
    """A server that runs as long as the context."""
    server = DnsServer()
    # TCP first: many of its ports are in use by connections of other tests, and hardly any of UDP's.
    async with await asyncio.start_server(server.serve, address, port) as listening:
        server.port = listening.sockets[0].getsockname()[1]
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: server, local_addr=(address, server.port)
        )
        try:
            yield server
        finally:
            transport.close()

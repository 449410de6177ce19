"""What a process does with the network: its sockets as the kernel shows them, and every call that its Python makes.

The kernel's tables are looked at every few milliseconds and tell no lies, but what is open for less may be missed. The
calls are all there, from the first import on, and so are names that were looked up and programs that were started.
"""

import contextlib
import ipaddress
import json
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

LOOK_EVERY: Final = 0.02
"""Seconds between two looks at the kernel's tables."""
TABLES: Final = ("tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp6")
LISTENS: Final = "0A"
"""The state of a TCP socket that listens, as the tables have it."""

HOOK: Final = """
import json, os, sys
out = os.open({path!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
of_a_socket = {{"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"}}
others = {{
    "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo",
    "subprocess.Popen", "os.posix_spawn", "os.fork", "os.forkpty", "os.exec", "os.system",
}}
def hook(event, arguments):
    if event in of_a_socket or event in others:
        plain = arguments[1:] if event in of_a_socket else arguments
        os.write(out, (json.dumps([event, plain], default=repr) + "\\n").encode())
sys.addaudithook(hook)
"""
"""Runs before anything else in the process that is watched, which needs no change for it."""


@dataclass(frozen=True, slots=True, order=True)
class End:
    """One end of a socket."""

    protocol: str
    address: str
    port: int


@dataclass(slots=True)
class Seen:
    """All that was seen so far; ``calls`` are by the name of Python's audit event, with its arguments."""

    peers: set[End] = field(default_factory=set)
    listens: set[End] = field(default_factory=set)
    unconnected: set[End] = field(default_factory=set)
    """Sockets without a peer that do not listen: what could send to anybody."""
    looks: int = 0
    log: Path = Path()

    @property
    def calls(self) -> dict[str, list[list[object]]]:
        found: dict[str, list[list[object]]] = {}
        for line in self.log.read_text().splitlines():
            event, arguments = json.loads(line)
            found.setdefault(event, []).append(arguments)
        return found


def hooked(folder: Path, seen: Seen) -> Mapping[str, str]:
    """Environment of a Python that will write its calls down for ``seen``."""
    place = folder / "hook"
    place.mkdir()
    seen.log = folder / "calls.jsonl"
    seen.log.touch()
    (place / "sitecustomize.py").write_text(HOOK.format(path=str(seen.log)))
    return {"PYTHONPATH": str(place)}


@contextlib.contextmanager
def watching(pid: int, seen: Seen) -> Iterator[None]:
    """Look at a process's sockets until the block ends."""
    over = threading.Event()

    def look_on() -> None:
        while not over.wait(LOOK_EVERY):
            look(pid, seen)

    thread = threading.Thread(target=look_on)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def look(pid: int, seen: Seen) -> None:
    """Add what a process has open now."""
    place = Path("/proc") / str(pid)
    inodes = set()
    try:
        for descriptor in (place / "fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                target = str(descriptor.readlink())
                if target.startswith("socket:["):
                    inodes.add(target[8:-1])
        for table in TABLES:
            lines = (place / "net" / table).read_text().splitlines()[1:]
            for line in lines:
                _, local, remote, state, *_ = parts = line.split()
                if parts[9] in inodes:
                    _sort(seen, table.removesuffix("6"), local, remote, state)
    except (FileNotFoundError, ProcessLookupError):
        return  # it has ended
    seen.looks += 1


def _sort(seen: Seen, protocol: str, local: str, remote: str, state: str) -> None:
    here, there = _end(protocol, local), _end(protocol, remote)
    if protocol == "tcp" and state == LISTENS:
        seen.listens.add(here)
    elif there.port:
        if here.port not in {end.port for end in seen.listens}:
            seen.peers.add(there)
    else:
        seen.unconnected.add(here)


def _end(protocol: str, text: str) -> End:
    """From hexadecimal words in the machine's own order."""
    address, _, port = text.partition(":")
    words = [bytes.fromhex(address[i : i + 8]) for i in range(0, len(address), 8)]
    packed = b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)
    found = ipaddress.ip_address(packed)
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return End(protocol, str(found.ipv4_mapped), int(port, 16))
    return End(protocol, str(found), int(port, 16))

"""What a witness and its control say of the connection that each holds open to an address that is cut.

A line of type ``held`` bears the name of the address' dials. ``ok``: the connection was just asked, and answered. Not
``ok``: it has ended, and ``error`` says how, one of the words below. ``values`` holds ``connection`` (its number within
the agent), ``answered`` (how often it has answered) and ``local`` (whether its other end is in the agent's own pod).
"""

from typing import Final

from gameday.model.agent import HTTP, SENTINEL, SERVER

PROTOCOLS: Final = frozenset({"redis", "tls", SERVER, SENTINEL, HTTP})
"""The protocols of dials whose connection is held; with any other, nothing is said that could be repeated.

``tls`` is Redis within TLS. What a plan calls ``tls`` is a handshake alone, and its connection is not held.
"""

CONNECTION: Final = "connection"
ANSWERED: Final = "answered"
LOCAL: Final = "local"

TIMEOUT: Final = "timeout"
"""The kernel timed the connection out after ``SILENT`` without an answer. Any other end was caused by a peer."""
CLOSED: Final = "closed"
"""The other end closed it."""
RESET: Final = "reset"
UNANSWERED: Final = "unanswered"
"""Something took what was sent and did not answer: a proxy on the way, or a server that stands still."""
PROTOCOL: Final = "protocol"
"""It answered what its protocol does not know."""
ERROR: Final = "error"

SILENT: Final = 4.0
"""Seconds without any sign of the other end after which the kernel gives a connection up (TCP_USER_TIMEOUT)."""
EVERY: Final = 10.0
"""Seconds between two exchanges on a held connection."""

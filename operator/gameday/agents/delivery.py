"""One HTTP POST of a message, and what its answer means.

No text that leaves this module holds a Secret: neither a webhook's URL nor a key, also where the receiver repeats it.
"""

import asyncio
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from itertools import chain
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from gameday.agents.post import Answer, NotConnected, Unanswered, Unsendable, post, url_of
from gameday.model.agent import Delivery
from gameday.model.notice import Delivered, Outcome
from gameday.probes.io.access import Access
from gameday.probes.io.errors import error_word, untrusted
from gameday.probes.io.lookup import Lookup, NotSent
from gameday.probes.io.secrets import SHORTEST_PART, Secrets

TIMEOUT: Final = 10.0
"""Seconds after which a request has no answer."""
BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which the same request may be accepted later."""
ANSWER: Final = 120
"""Characters of an answer's body that are shown: Slack and PagerDuty say there what is wrong."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one try came to; ``over`` says that no other one follows, ``retry_after`` is in seconds."""

    delivered: Delivered
    over: bool = True
    retry_after: float | None = None


class Sender:
    """Sends messages to one receiver."""

    def __init__(self) -> None:
        self._secrets = Secrets()
        self._lookup = Lookup()

    async def send(self, delivery: Delivery) -> Attempt:
        """Try once; it never raises, and takes at most ``TIMEOUT``."""
        access = Access(delivery.access, self._secrets)
        try:
            url, body = self._read(delivery)
            async with asyncio.timeout(TIMEOUT):
                return self._answered(await self._post(url, delivery, access, body))
        except NotSent as error:
            # A name that cannot be looked up may be there in a moment; a Secret that is missing is said at once.
            return Attempt(_failed(self._secrets.hide(str(error))), over=error.word != "dns")
        except NotConnected as error:
            return self._not_connected(error, access)
        except Unsendable:
            return Attempt(
                _failed(f"its URL or a header is not what HTTP allows: check {delivery.where}, and its Secrets")
            )
        except TimeoutError:
            return _unanswered(delivery, f"no answer within {TIMEOUT:.0f} s")
        except Unanswered as error:
            return _unanswered(delivery, f"the connection broke before an answer came ({error_word(error)})")

    def _read(self, delivery: Delivery) -> tuple[str, str]:
        """The URL and the body, with what Secrets hold; a Secret that is missing is named."""
        for file in filter(None, (delivery.access.bearer_file, delivery.access.password_file)):
            self._secret(file, delivery.where)
        url = delivery.url
        if delivery.url_file:
            url = self._secret(delivery.url_file, delivery.where)
            for part in _parts(url):
                self._secrets.hide_also(part)
        if not delivery.body_file:
            return url, delivery.body
        value = self._secret(delivery.body_file, delivery.where)
        return url, json.dumps(json.loads(delivery.body) | {delivery.body_field: value})

    def _secret(self, file: str, where: str) -> str:
        try:
            value = self._secrets.read(file)
        except (OSError, UnicodeError):
            value = ""
        if not value:
            name, key = file.split("/")[-2:]
            raise NotSent("secret", f"Secret {name} has no key {key}: create it, as {where} asks")
        return value

    async def _post(self, url: str, delivery: Delivery, access: Access, body: str) -> Answer:
        headers = {
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "User-Agent": "gameday-notifier",
            **delivery.headers,
            **access.headers(),
        }
        parsed = url_of(url)
        return await post(parsed, headers, body.encode(), access.tls() if parsed.tls else None, self._lookup)

    def _answered(self, answer: Answer) -> Attempt:
        if 200 <= answer.status < 300:
            return Attempt(Delivered(Outcome.SENT))
        said = self._secrets.hide(answer.body.decode(errors="replace"))
        text = " ".join("".join(c if c.isprintable() else " " for c in said).split())[:ANSWER]
        why = f"the receiver answered {answer.status}" + (f" ({text})" if text else "")
        if 300 <= answer.status < 400:
            return Attempt(_failed(f"{why}, and redirects are not followed: give the URL that it redirects to"))
        asked = retry_after(answer.headers.get("retry-after"), time.time())
        return Attempt(_failed(why), over=answer.status not in BUSY, retry_after=asked)

    def _not_connected(self, error: Exception, access: Access) -> Attempt:
        if (distrusted := untrusted(error, access.remedy)) is not None:
            return Attempt(_failed(str(distrusted)))
        why = f"the receiver cannot be reached ({error_word(error)}): is it up, and does a NetworkPolicy stop the pod?"
        return Attempt(_failed(why), over=False)


def retry_after(text: str | None, now: float) -> float | None:
    """The seconds that a ``Retry-After`` asks for (RFC 9110: seconds, or a date); None for one that cannot be read."""
    if text is None:
        return None
    try:
        seconds = float(text) if text.strip().isdecimal() else parsedate_to_datetime(text).timestamp() - now
    except (ValueError, OverflowError):
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _parts(url: str) -> Iterator[str]:
    """What a receiver may repeat of a URL that is a Secret, as it is sent and as it is read.

    Not the host: which name could not be looked up is to be said.

    Raises:
        Unsendable: when it is no URL.

    """
    try:
        parts = urlsplit(url)
        words = [*parts.path.split("/"), *chain.from_iterable(parse_qsl(parts.query)), parts.username, parts.password]
    except ValueError:
        # The error's text holds the URL.
        raise Unsendable from None
    long = [word for word in words if word is not None and len(word) >= SHORTEST_PART]
    for text in (parts.path, parts.query, *long):
        yield from (text, unquote(text))


def _failed(why: str) -> Delivered:
    return Delivered(Outcome.FAILED, why)


def _unanswered(delivery: Delivery, why: str) -> Attempt:
    if delivery.repeatable:
        return Attempt(Delivered(Outcome.UNKNOWN, why), over=False)
    return Attempt(Delivered(Outcome.UNKNOWN, f"{why}; it may have arrived, so it is not sent again"))

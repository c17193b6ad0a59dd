"""What all streams of one `STT` share: connections, what the servers offer, and key terms."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
from livekit.agents.utils import aio, http_context

from auricle import AuricleClient, ClientOptions, Error, Ready, ReconnectPolicy, Start, Stream
from auricle.context_keyterms import with_context
from auricle.environment import endpoint_of, proxy_of
from auricle.protocol import Update, codes
from auricle.protocol.languages import AUTO, resolve
from auricle.protocol.settings import is_text

from ._handover import Handovers
from .log import logger
from .models import OptionChanges, STTOptions, code_of

# By default LiveKit tries three times more, 2 s apart, and allows 10 s for each; retries inside these would multiply.
_LIVEKIT_RETRIES = ReconnectPolicy(attempts=0)


@dataclass(slots=True)
class _Pool:
    """A client, and how many streams use it now. Without a `session` the client makes its own."""

    client: AuricleClient
    session: aiohttp.ClientSession | None
    timeout: float
    users: int = 0


class Service:
    """Opens streams, and keeps what the servers offer.

    Args:
        urls: Of the servers, see `server_urls`.
        options: Of the client. Without a session in them, the job's is used; outside a job, one that is open for as
            long as a stream needs it.
        keyterms: Streams start with these; others follow in band.

    Attributes:
        offer: What the latest connected server offers; None before the first connection.
        takes_keyterms: False once a server has refused key terms.
        context_keyterms: Those of the conversation.
        handovers: Between the streams.

    Raises:
        ValueError: A key or a proxy of the environment cannot be used.
    """

    def __init__(self, urls: Sequence[str], options: ClientOptions, keyterms: tuple[str, ...]) -> None:
        self.offer: Ready | None = None
        self.takes_keyterms = True
        self.context_keyterms: tuple[str, ...] = ()
        self.handovers = Handovers()
        self._urls = urls
        self._options = options
        AuricleClient(urls, options)  # checks the options too, and needs no event loop
        self._pool: _Pool | None = None
        self._keyterms = keyterms
        self._session_keyterms: tuple[str, ...] = ()
        self._asked_for_keyterms = bool(keyterms)
        self._prewarming: asyncio.Task[None] | None = None
        self._prewarmed_model: str | None = None

    @property
    def model(self) -> str | None:
        """Name of the model of the server that was connected last, or prewarmed; None before that."""
        return self._prewarmed_model if self.offer is None else self.offer.model

    @property
    def default_language(self) -> str | None:
        """What the server takes for a stream that names no language; None while no server is known."""
        return None if self.offer is None else self.offer.languages[0]

    # --- connections -------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def client(self, timeout: float) -> AsyncIterator[AuricleClient]:
        """The client that all streams share; its connections stay open for as long as the block lasts.

        Args:
            timeout: Seconds for one attempt to connect.
        """
        pool = self._pool_on(self._shared_session(), timeout)
        pool.users += 1
        try:
            yield pool.client
        finally:
            pool.users -= 1
            if not pool.users:
                await pool.client.aclose()  # it keeps which servers have failed or are full

    def stream(self, client: AuricleClient, start: Callable[[], Start]) -> Stream:
        """A new stream, which connects in the background; `connected` must follow its event `Connected`.

        It fails at the first attempt that fails: the retries until the first connection are LiveKit's.

        Args:
            client: Opens it.
            start: Called before each attempt, for the settings of that moment apart from key terms.
        """
        return client.stream(lambda: self._with_keyterms(start()), connect_policy=_LIVEKIT_RETRIES)

    def _with_keyterms(self, start: Start) -> Start:
        # Only the user's own key terms, as of the constructor, are in the start: a server without key terms refuses the
        # stream for them. Later ones, and the session's, it refuses in band, and the stream goes on.
        return replace(start, keyterms=self._keyterms if self.takes_keyterms else ())

    async def connected(self, stream: Stream, options: STTOptions) -> tuple[str, ...]:
        """Takes what the server offers, and sends the key terms that the start did not have; returns all."""
        self.offer = stream.ready
        unknown = [each for each in options.languages if not self.offer.offers(code_of(each) or "")]
        if unknown:
            logger.warning("languages: the server's model does not know %s", ", ".join(unknown))
        return await self.send_keyterms(stream, options, self._keyterms)

    async def send_keyterms(self, stream: Stream, options: STTOptions, known: tuple[str, ...]) -> tuple[str, ...]:
        """Sends the key terms of `options` and of the session, unless the stream has them already; returns them."""
        keyterms = self.keyterms(options)
        if keyterms != known:
            await self.send_update(stream, Update(keyterms=keyterms))
        return keyterms

    async def send_update(self, stream: Stream, update: Update) -> None:
        """Sends a change of settings, unless it is one of key terms that the server does not take."""
        if update.keyterms is None or self.takes_keyterms:
            await stream.update(
                latency_ms=update.latency_ms,
                language=update.language,
                turn=update.turn,
                keyterms=update.keyterms,
                refine=update.refine,
                text_format=update.text_format,
            )

    def prewarm(self) -> None:
        """Opens the connection that the first stream will use, if a shared session can keep it."""
        session = self._shared_session() if _in_event_loop() else None
        if session is not None and self._prewarming is None:
            self._prewarming = asyncio.create_task(self._warm_up(session), name="auricle prewarm")

    async def _warm_up(self, session: aiohttp.ClientSession) -> None:
        for url in self._urls:
            self._prewarmed_model = await _model_behind(session, url, self._options)
            if self._prewarmed_model is not None:
                return

    async def aclose(self) -> None:
        """Stops the prewarming; streams close their own connections."""
        if self._prewarming is not None:
            await aio.cancel_and_wait(self._prewarming)

    def _pool_on(self, session: aiohttp.ClientSession | None, timeout: float) -> _Pool:
        if self._pool is None or (self._pool.session, self._pool.timeout) != (session, timeout):
            client = AuricleClient(self._urls, self._options, session=session, connect_timeout=timeout)
            self._pool = _Pool(client, session, timeout)
        return self._pool

    def _shared_session(self) -> aiohttp.ClientSession | None:
        if self._options.session is not None:
            return self._options.session
        try:
            return http_context.http_session()
        except RuntimeError:  # not in a job
            return None

    # --- what servers offer ------------------------------------------------------------------------------------------

    def check(self, changes: OptionChanges) -> None:
        """Checks changes against what the server offers, as far as that is known.

        Raises:
            ValueError: The server does not offer a value.
        """
        if "latency_ms" in changes and changes.get("latency_ms") is None:
            raise ValueError("latency_ms: cannot go back to the server's default in a running stream; name a value")
        if changes.get("keyterms") and not self.takes_keyterms:
            raise ValueError("keyterms: the server's model takes none")
        self._asked_for_keyterms |= bool(changes.get("keyterms"))
        if self.offer is None:
            return
        keyterms, limits = changes.get("keyterms", ()), self.offer.limits
        if limits.keyterms and not limits.fit(keyterms):
            most = f"{limits.keyterms} of at most {limits.keyterm_characters} characters"
            raise ValueError(f"keyterms: the server takes {most}")
        latency_ms, language = changes.get("latency_ms"), changes.get("language")
        asked = [("languages", each) for each in changes.get("languages", ())] + [("language", language)]
        for name, each in asked:
            if each is not None and resolve(code_of(each) or "", self.offer.languages) is None:
                raise ValueError(f"{name}: the server offers {', '.join(self.offer.languages)}, not {each}")
        if len(changes.get("languages", ())) > 1 and resolve(AUTO, self.offer.languages) is None:
            raise ValueError("languages: the server's model detects no language; name one")
        if latency_ms is not None and latency_ms not in self.offer.latencies_ms:
            offered = ", ".join(map(str, self.offer.latencies_ms))
            raise ValueError(f"latency_ms: the server offers {offered}, not {latency_ms}")

    def set_session_keyterms(self, keyterms: Sequence[str]) -> None:
        """Takes the terms that the session adds to the user's; those that are no text that can be sent are left out."""
        self._session_keyterms = tuple(term for term in keyterms if is_text(term))
        self._asked_for_keyterms |= bool(keyterms)

    def keyterms(self, options: STTOptions) -> tuple[str, ...]:
        """The user's terms, and as many others as the server takes: with one too many it refuses them all."""
        own = tuple(dict.fromkeys(options.keyterms))
        more = [term for term in dict.fromkeys(self._session_keyterms) if term not in own]
        fitting = self._fitting(more, beside=len(own))
        if len(fitting) < len(more):
            logger.warning("%d of the session's key terms are left out", len(more) - len(fitting))
        named = (*own, *fitting)
        context = self._fitting([*self.context_keyterms], beside=len(named))
        return with_context(named, context, most=len(named) + len(context))

    def _fitting(self, terms: list[str], *, beside: int) -> list[str]:
        limits = self.offer.limits if self.offer else None
        # 0 stands for none and for servers that do not say; one that takes none refuses them itself.
        if limits is None or not limits.keyterms:
            return terms
        return [term for term in terms if limits.fit((term,))][: max(0, limits.keyterms - beside)]

    def refused(self, error: Error) -> None:
        """Takes a notice, or the error of an update that the server could not follow; the stream goes on without it."""
        if error.code in codes.NOTICES:
            logger.warning("%s", error.message, extra={"code": error.code})
        elif error.code != codes.UNSUPPORTED_KEYTERMS:
            logger.warning("the server refused a change: %s", error.message, extra={"code": error.code})
        elif self.takes_keyterms:
            self.takes_keyterms = False
            # Those of the conversation alone are nothing that somebody has asked for.
            level = logging.WARNING if self._asked_for_keyterms else logging.INFO
            logger.log(level, "key terms are no longer sent: %s", error.message, extra={"code": error.code})


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _model_behind(session: aiohttp.ClientSession, url: str, options: ClientOptions) -> str | None:
    """Leaves a connection to the server in the session's pool; returns its model, empty while none is ready.

    Returns:
        None when there is no server.
    """
    try:
        # Alive, which every server answers, and then ready, with the model. Neither needs a key or takes a slot, so any
        # number of jobs may prewarm.
        await _get(session, endpoint_of(url, "/healthz"), url, options)
        ready = await _get(session, endpoint_of(url, "/readyz"), url, options)
    except (aiohttp.ClientError, TimeoutError) as error:
        logger.info("prewarming failed, the first stream will connect instead: %s", error)
        return None
    model = ready.get("model") if isinstance(ready, dict) else None
    return model if isinstance(model, str) else ""


async def _get(session: aiohttp.ClientSession, endpoint: str, url: str, options: ClientOptions) -> Any:
    """The answer's JSON; None where it is none, as of an older server or of a proxy."""
    # aiohttp keeps connections by their TLS settings and proxies too: only with the same ones does the stream find it.
    async with session.get(
        endpoint,
        ssl=True if options.ssl is None else options.ssl,
        proxy=proxy_of(url) if options.trust_env else None,
        timeout=aiohttp.ClientTimeout(total=options.connect_timeout),
    ) as response:
        body = await response.text()
        try:
            return json.loads(body)
        except ValueError:
            return None

"""Applies a changed configuration while the gateway serves: in this process, or in all workers."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from gateway.app import Application, drawn_secret
from gateway.config.changes import ReloadResult, changed
from gateway.config.checks.problems import ConfigError, KeyPath, show_path
from gateway.config.reading.source import Source
from gateway.config.reading.watch import INTERVAL, Watch
from gateway.config.settings import Settings
from gateway.lifecycle.live import Live
from gateway.lifecycle.logs import log_to_stderr
from gateway.server.processes.peers import Peers

log = logging.getLogger("gateway")

Build = Callable[[Settings, Peers, Application | None], Application]

_UNUSABLE = (ConfigError, OSError, ValueError, RuntimeError)


class Configuration:
    """The configuration in use: where it comes from, and the settings that were read."""

    def __init__(self, source: Source, settings: Settings) -> None:
        self.source = source
        self.settings = settings
        self.watch = Watch(source, on=settings.server.watch)
        self._secret = settings.secret or drawn_secret()
        self._contents = self._digests()

    def used(self, settings: Settings) -> Settings:
        """Return settings as they are used: without a secret, they get the one that was drawn."""
        return replace(settings, secret=self._secret)

    def read(self) -> tuple[Settings, list[str]]:
        """Read the settings again, in another process, and the warnings about them.

        Raises `ConfigError`, and `RuntimeError` if that process failed.
        """
        return self.source.begin(self.settings)()

    def adopt(self, settings: Settings, warnings: Sequence[str]) -> ReloadResult:
        """Have these settings in use; return what has changed."""
        before, self.settings = self.settings, settings
        self.watch.on = settings.server.watch
        if before.log != settings.log:
            log_to_stderr(settings.log)
        keys = ", ".join([*changed(before, settings), *self._renewed(before)])
        text = f"the configuration was reloaded; changed: {keys or 'nothing'}"
        lines = [text, *(f"warning: {warning}" for warning in warnings)]
        return ReloadResult(done=True, text="\n".join(lines))

    def _renewed(self, before: Settings) -> list[str]:
        """Return what is new in files that the settings only name."""
        earlier, self._contents = self._contents, self._digests()
        named = {**before.certificates, **before.bundles}
        return [
            f"the {'CA bundle' if place[-1] == 'verify' else 'certificate'} of {show_path(place)}"
            for place, files in {**self.settings.certificates, **self.settings.bundles}.items()
            if named.get(place) == files and earlier[place] != self._contents[place]
        ]

    def _digests(self) -> dict[KeyPath, tuple[bytes, ...]]:
        """Return hashes of the files that hold certificates, by the places that name them."""
        digest_of = self.source.files.digest_of
        pairs, bundles = self.settings.certificates, self.settings.bundles
        return {
            **{place: (digest_of(p.certificate), digest_of(p.key)) for place, p in pairs.items()},
            **{place: (digest_of(path),) for place, path in bundles.items()},
        }

    def check(self, build: Build) -> tuple[str, ReloadResult]:
        """Read the configuration for workers of this process; see `server/processes/reloads.py`."""
        try:
            settings, warnings = self.read()
            asyncio.run(build(self.used(settings), Peers(), None).aclose())
        except _UNUSABLE as error:
            return "", _refused(error)
        return self.source.files.digest, self.adopt(settings, warnings)


class Reloader:
    """Reloads the configuration of one process."""

    def __init__(self, configuration: Configuration, live: Live, build: Build) -> None:
        self._configuration = configuration
        self._live = live
        self._build = build
        self._one_at_a_time = asyncio.Lock()

    async def reload(self, digest: str | None = None) -> ReloadResult:
        """Apply the configuration as it is now; with a digest, only what has this digest."""
        async with self._one_at_a_time:
            if self._live.draining:
                return ReloadResult(done=False, text="the gateway is stopping")
            try:
                # In a thread, since it may take as long as many requests.
                read, application = await asyncio.to_thread(self._prepared, digest)
            except _UNUSABLE as error:
                return _refused(error)
            self._live.replace(application)
            return self._configuration.adopt(*read)

    def _prepared(self, digest: str | None) -> tuple[tuple[Settings, list[str]], Application]:
        configuration, running = self._configuration, self._live.application
        read = configuration.read()
        if digest not in {None, configuration.source.files.digest}:
            raise ValueError("its files have changed again: reload once more")
        peers = running.kept.peers
        return read, self._build(configuration.used(read[0]), peers, running)


class Alone:
    """Reloads where there is one process: when it is asked, and when the files change."""

    def __init__(self, configuration: Configuration, live: Live, build: Build) -> None:
        self._watch = configuration.watch
        self._live = live
        self._reloader = Reloader(configuration, live, build)
        self._one_at_a_time = asyncio.Lock()
        self._next: asyncio.Task[ReloadResult] | None = None
        """A reload that has not begun to read."""
        self._last: ReloadResult | None = None
        self._watching = asyncio.create_task(self._keep_watching())

    async def ask(self) -> ReloadResult:
        """Reload; return how it ended.

        All who ask during a reload share the next one, or this one if it has read what they mean:
        with `server.watch` it may have begun for the same change.
        """
        if self._next is None:
            meanwhile = self._one_at_a_time.locked()
            self._next = asyncio.create_task(self._reload(meanwhile=meanwhile))
        return await asyncio.shield(self._next)

    async def _reload(self, *, meanwhile: bool) -> ReloadResult:
        async with self._one_at_a_time:
            self._next = None
            if meanwhile and self._last is not None and self._watch.finds_nothing:
                return self._last
            self._last = result = await self._reloader.reload()
            report(result)
            self._live.application.kept.metrics.reloaded(done=result.done)
            return result

    def close(self) -> None:
        """Stop watching the files."""
        self._watching.cancel()

    async def _keep_watching(self) -> None:
        watch = self._watch
        while True:
            await asyncio.sleep(INTERVAL)
            if watch.on and watch.changed():
                await self.ask()


def report(result: ReloadResult) -> None:
    """Log how a reload ended."""
    level = logging.ERROR if not result.done else logging.INFO
    log.log(logging.WARNING if "\nwarning: " in result.text else level, "%s", result.text)


def _refused(error: Exception) -> ReloadResult:
    text = f"the configuration was not reloaded, and nothing has changed: {error}"
    return ReloadResult(done=False, text=text)

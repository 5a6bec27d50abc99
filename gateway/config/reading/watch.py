"""Notices when the files of a configuration change.

It looks at them once a second rather than asking the kernel: that works in every file system, for
files that do not exist yet, and for mounted ConfigMaps and Secrets, whose files are replaced by
swapping a symbolic link to their folder.
"""

from gateway.config.reading.source import Source

INTERVAL = 1.0
"""Seconds between two looks."""


class Watch:
    """The files that `source` was read from, a secret's or template's as well.

    `on` is `server.watch`.
    """

    def __init__(self, source: Source, *, on: bool) -> None:
        self.on = on
        self._source = source
        self._seen = source.files.on_disk()

    @property
    def finds_nothing(self) -> bool:
        """Whether the watched files are what was read: another reading would find nothing new.

        False where they are not watched: then every request for a reload is served.
        """
        files = self._source.files
        return self.on and files.on_disk() == files.as_read

    def changed(self) -> bool:
        """Return whether the files differ from what was read, but not from the last look."""
        files = self._source.files
        now = files.on_disk()
        at_rest, self._seen = now == self._seen, now
        return at_rest and now != files.as_read

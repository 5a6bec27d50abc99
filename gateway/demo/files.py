"""/v1/files: uploads are counted and hashed, not kept; downloads are made to measure.

`GET /v1/files/file-1048576bytes/content` is a mebibyte of the bytes 0 to 255, over and over.
"""

import asyncio
import hashlib
import re
from collections import OrderedDict

from gateway.demo import refusals
from gateway.demo.answer import Json
from gateway.demo.call import Call
from gateway.demo.multipart import MultipartReader, PartData, PartStart, malformed
from gateway.demo.refusals import Refused
from gateway.demo.visit import Visit

PATTERN = bytes(range(256)) * 256
"""What downloads consist of."""
_MEASURED = re.compile(r"file-([0-9]{1,11})bytes")
_MOST_FILES = 1_000
_LARGEST_FIELD = 64 * 1024


class _Upload:
    """What is known of an upload in progress."""

    def __init__(self) -> None:
        self.filename: str | None = None
        self.size = 0
        self.digest = hashlib.sha256()
        self.fields: dict[str, bytes] = {}
        self._part = ""

    def take(self, event: PartStart | PartData) -> None:
        """Take the next event; raises `Refused` if a form field is too long."""
        if isinstance(event, PartStart):
            self._part = event.name
            if event.name == "file":
                self.filename = event.filename or "upload"
            else:
                self.fields[event.name] = b""
        elif self._part == "file":
            self.size += len(event.data)
            self.digest.update(event.data)
        else:
            self.fields[self._part] += event.data
            if len(self.fields[self._part]) > _LARGEST_FIELD:
                raise malformed(f"the field '{self._part}' is too long")


class Files:
    """The files of one emulator: their records; the contents are gone."""

    def __init__(self, created: int) -> None:
        self._created = created
        self._records: OrderedDict[str, Json] = OrderedDict()

    async def upload(self, visit: Visit) -> None:
        """POST /v1/files; the reply has a `sha256` of the content besides OpenAI's members."""
        reader = MultipartReader(visit.call.record.headers.get("content-type", ""))
        upload = _Upload()
        async for chunk in visit.call.chunks():
            for event in reader.feed(chunk):
                upload.take(event)
        reader.finish()
        if upload.filename is None:
            raise refusals.missing_parameter("file")
        if "purpose" not in upload.fields:
            raise refusals.missing_parameter("purpose")
        await visit.call.reply_json(self._remember(upload, upload.filename))

    def _remember(self, upload: _Upload, filename: str) -> Json:
        digest = upload.digest.hexdigest()
        record: Json = {
            "id": f"file-{digest[:24]}",
            "object": "file",
            "bytes": upload.size,
            "created_at": self._created,
            "filename": filename,
            "purpose": upload.fields["purpose"].decode(errors="replace"),
            "status": "processed",
            "sha256": digest,
        }
        self._records[record["id"]] = record
        if len(self._records) > _MOST_FILES:
            self._records.popitem(last=False)
        return record

    def _record(self, file_id: str) -> Json:
        record = self._records.get(file_id)
        if record is None:
            raise Refused(404, f"No such File object: {file_id}", param="id")
        return record

    async def all(self, visit: Visit) -> None:
        """GET /v1/files."""
        data = list(self._records.values())
        await visit.call.reply_json({"object": "list", "data": data, "has_more": False})

    async def one(self, visit: Visit) -> None:
        """GET /v1/files/{file}."""
        await visit.call.reply_json(self._record(visit.path["file"]))

    async def delete(self, visit: Visit) -> None:
        """DELETE /v1/files/{file}."""
        record = self._record(visit.path["file"])
        del self._records[record["id"]]
        await visit.call.reply_json({"id": record["id"], "object": "file", "deleted": True})

    async def content(self, visit: Visit) -> None:
        """GET /v1/files/{file}/content, as long as the id says."""
        match = _MEASURED.fullmatch(visit.path["file"])
        if match is None:
            raise Refused(404, f"No such File object: {visit.path['file']}", param="id")
        await visit.call.while_connected(_download(visit.call, int(match.group(1))))


async def _download(call: Call, size: int) -> None:
    headers = (("content-length", str(size)), ("content-disposition", "attachment"))
    await call.start("application/octet-stream", headers=headers)
    for start in range(0, size, len(PATTERN)):
        await call.write(PATTERN[: size - start])
        # Writing to a client that has left does not wait: only so is its leaving noticed.
        await asyncio.sleep(0)
    await call.end()

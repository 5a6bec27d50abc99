"""/v1/files: uploads are counted and hashed, not kept; downloads are generated in any size.

`GET /v1/files/file-1048576bytes/content` is a mebibyte of the repeated bytes 0 to 255.
"""

import asyncio
import re
from collections import OrderedDict

from gateway.demo.call import Call, RequestContext
from gateway.demo.generation.answer import Json
from gateway.demo.refusals import Refused

PATTERN = bytes(range(256)) * 256
"""The content of downloads, repeated."""
_MEASURED = re.compile(r"file-([0-9]{1,11})bytes")
_MOST_FILES = 1_000
_PURPOSES = ("fine-tune", "assistants", "batch", "user_data", "vision", "evals")


class Files:
    """The files of one emulator: their records, without their contents."""

    def __init__(self, created: int) -> None:
        self._created = created
        self._records: OrderedDict[str, Json] = OrderedDict()

    async def upload(self, context: RequestContext) -> None:
        """POST /v1/files; the reply has a `sha256` of the content besides OpenAI's members."""
        form = await context.call.form("file")
        file, purpose = form.required_file("file"), form.required_text("purpose")
        if purpose not in _PURPOSES:
            listed = ", ".join(f"'{each}'" for each in _PURPOSES)
            raise Refused(400, f"'{purpose[:100]}' is not one of [{listed}] - 'purpose'")
        record: Json = {
            "id": f"file-{file.sha256[:24]}",
            "object": "file",
            "bytes": file.size,
            "created_at": self._created,
            "filename": file.filename,
            "purpose": purpose,
            "status": "processed",
            "sha256": file.sha256,
        }
        self._records[record["id"]] = record
        if len(self._records) > _MOST_FILES:
            self._records.popitem(last=False)
        await context.call.reply_json(record)

    def _record(self, file_id: str) -> Json:
        record = self._records.get(file_id)
        if record is None:
            raise Refused(404, f"No such File object: {file_id}", param="id")
        return record

    async def all(self, context: RequestContext) -> None:
        """GET /v1/files."""
        data = list(self._records.values())
        await context.call.reply_json({"object": "list", "data": data, "has_more": False})

    async def one(self, context: RequestContext) -> None:
        """GET /v1/files/{file}."""
        await context.call.reply_json(self._record(context.path["file"]))

    async def delete(self, context: RequestContext) -> None:
        """DELETE /v1/files/{file}."""
        record = self._record(context.path["file"])
        del self._records[record["id"]]
        await context.call.reply_json({"id": record["id"], "object": "file", "deleted": True})

    async def content(self, context: RequestContext) -> None:
        """GET /v1/files/{file}/content, as long as the id says."""
        match = _MEASURED.fullmatch(context.path["file"])
        if match is None:
            raise Refused(404, f"No such File object: {context.path['file']}", param="id")
        await context.call.while_connected(_download(context.call, int(match.group(1))))


async def _download(call: Call, size: int) -> None:
    headers = (("content-length", str(size)), ("content-disposition", "attachment"))
    await call.start("application/octet-stream", headers=headers)
    for start in range(0, size, len(PATTERN)):
        await call.write(PATTERN[: size - start])
        # Writes to a disconnected client do not wait; yield, so that the disconnect is noticed.
        await asyncio.sleep(0)
    await call.end()

"""`POST /reload`: an operator's request, and nobody else's."""

import asyncio

import pytest

from gateway import app
from gateway.config.changes import ReloadResult
from gateway.config.settings import Settings
from tests.admin.listener import TOKEN, Admin
from tests.exchange.scene import OPENAI


@pytest.mark.parametrize(("done", "status"), [(True, 200), (False, 422)])
def test_the_reply_says_how_it_ended(done: bool, status: int) -> None:
    admin = Admin()
    admin.reloaded = ReloadResult(done, "so it ended")
    reply = admin.post("/reload")
    assert reply.status_code == status
    assert reply.json() == {"reloaded": done, "message": "so it ended"}
    assert admin.get("/reload").status_code == 405


def test_only_operators_reload() -> None:
    assert Admin(TOKEN).post("/reload").status_code == 401
    assert Admin(TOKEN).post("/reload", x_admin_token="admin-token").status_code == 200


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8080", "https://elsewhere.example", "null"])
def test_pages_of_other_sites_cannot_have_a_browser_reload(origin: str) -> None:
    assert Admin().post("/reload", origin=origin).status_code == 403
    assert Admin().post("/reload", origin="http://127.0.0.1:9090").status_code == 200


def test_a_process_that_cannot_reload_says_so() -> None:
    async def scenario() -> None:
        application = app.build(Settings((OPENAI,)))
        result = await application.kept.operations.reload()
        assert result == (False, "this process cannot reload its configuration")
        await application.aclose()

    asyncio.run(scenario())

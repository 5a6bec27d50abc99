"""The admin page in a real browser, before a real gateway."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.admin.busy_gateway import UPSTREAM_KEY, busy_gateway, chat
from tests.browser import Browser, browser
from tests.clients.running import RunningGateway
from tests.processes import gateway_process

pytestmark = pytest.mark.slow

TOKEN = "0123456789abcdef"
ROWS = "document.querySelectorAll('#request-table tr.entry').length"
SECTIONS = ("requests", "upstreams", "learned", "resolve", "translate", "configuration")


@pytest.fixture(scope="module", name="gateway")
def _gateway() -> Iterator[RunningGateway]:
    with busy_gateway() as gateway:
        yield gateway


@pytest.fixture(scope="module", name="shared")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as shared:
        yield shared


@pytest.fixture(name="page")
def _page(shared: Browser, gateway: RunningGateway) -> Iterator[Browser]:
    """The page, which then has complained of nothing, and asked nobody else."""
    # What the page of an earlier test was loading when its gateway ended is not this one's.
    shared.open("about:blank")
    shared.complaints.clear()
    shared.requested.clear()
    shared.show_as(1200, 800)
    shared.open(f"{gateway.admin_url}/")
    yield shared
    complaints = [each for each in shared.complaints if not _is_of_another(each, gateway)]
    assert complaints == []
    elsewhere = [url for url in shared.requested if not url.startswith(gateway.admin_url)]
    assert [url for url in elsewhere if not url.startswith("about:")] == []


def _is_of_another(complaint: str, gateway: RunningGateway) -> bool:
    """Whether the address that could not be loaded is another gateway's."""
    return "http://" in complaint and gateway.admin_url not in complaint


def open_section(page: Browser, name: str) -> None:
    page.value(f"location.hash = '#{name}'")
    page.until(f"!document.getElementById('section-{name}').hidden")


def test_recent_requests_are_shown_and_new_ones_arrive(
    page: Browser, gateway: RunningGateway
) -> None:
    page.until(f"{ROWS} >= 12")
    shown = page.text("#request-table")
    for text in ("checkout", "gpt-3.5-turbo-instruct", "chat → completions", "upstream_error"):
        assert text in shown
    before = page.value(ROWS)
    chat(gateway, "search", "<img src=x onerror=alert(1)>")
    page.until(f"{ROWS} === {before + 1}")
    assert "<img src=x onerror=alert(1)>" in page.text("#request-table tr.entry")
    assert page.value("document.querySelectorAll('#request-table img').length") == 0


def test_open_sockets_are_shown_while_there_are_any(page: Browser, gateway: RunningGateway) -> None:
    page.until(f"{ROWS} >= 12")
    page.until("document.getElementById('sockets').hidden")
    sockets = gateway.application.kept.metrics.sockets
    sockets.opened("responses")
    page.until("!document.getElementById('sockets').hidden")
    assert page.text("#sockets") == "Open WebSockets: 1 responses"
    sockets.ended("responses", 1000)
    page.until("document.getElementById('sockets').hidden")


def test_one_request_is_opened_with_the_keyboard(page: Browser) -> None:
    page.until(f"{ROWS} >= 12")
    page.value(
        "[...document.querySelectorAll('tr.entry')]"
        ".find((row) => row.innerText.includes('gpt-3.5-turbo-instruct'))"
        ".querySelector('button').focus()"
    )
    page.press("Enter")
    page.until("document.activeElement.getAttribute('aria-expanded') === 'true'")
    detail = page.text("tr.detail:not([hidden])")
    assert "catalogue" in detail
    assert "Report" in detail
    page.press(" ")
    page.until("document.activeElement.getAttribute('aria-expanded') === 'false'")
    assert page.text("tr.detail:not([hidden])") == ""


def test_requests_are_filtered_and_the_list_can_stand_still(
    page: Browser, gateway: RunningGateway
) -> None:
    page.until(f"{ROWS} >= 12")
    page.value("document.querySelector('#filter [name=client]').focus()")
    page.write("search")
    page.until(
        f"{ROWS} > 0 && [...document.querySelectorAll('tr.entry')]"
        ".every((row) => row.innerText.includes('search'))"
    )
    page.value("document.querySelector('#pause').click()")
    before = page.value(ROWS)
    chat(gateway, "search", "while-paused")
    page.until("held.length > 0")
    assert page.value(ROWS) == before
    page.value("document.querySelector('#pause').click()")
    page.until(f"{ROWS} === {before + 1}")
    page.write("-nobody")
    page.until("!document.getElementById('no-requests').hidden")


def test_upstreams_are_judged(page: Browser) -> None:
    open_section(page, "upstreams")
    page.until("document.querySelectorAll('#upstream-cards article').length === 2")
    assert "failing" in page.text("#upstream-cards article:nth-child(2)")
    assert "refused \u00d7 1" in page.text("#upstream-cards article:nth-child(2)")
    assert "0 of 256" in page.text("#upstream-cards article:nth-child(1)")


def test_what_was_learned_is_forgotten(page: Browser, gateway: RunningGateway) -> None:
    open_section(page, "learned")
    page.until("document.querySelectorAll('#learned-table tbody tr').length === 1")
    assert "davinci-002" in page.text("#learned-table tbody")
    page.value("document.querySelector('#learned-table button').focus()")
    page.press("Enter")
    page.until("!document.getElementById('no-learned').hidden")
    page.until("document.getElementById('notice').textContent === 'Forgotten: davinci-002'")
    chat(gateway, "checkout", "davinci-002")
    page.until("document.querySelectorAll('#learned-table tbody tr').length === 1")


def test_what_is_still_true_keeps_its_row_and_the_focus(
    page: Browser, gateway: RunningGateway
) -> None:
    open_section(page, "learned")
    page.until("document.querySelectorAll('#learned-table tbody tr').length === 1")
    page.value("document.querySelector('#learned-table button').focus()")
    page.value("window.before = document.activeElement; showLearned()")
    assert page.value("document.activeElement === before && before.innerText === 'Forget'")
    others = ["acme-a", "acme-b"]
    page.value(f"""(async () => {{
        const [known] = await call('learned');
        const others = {others}.map((model) => ({{ ...known, model }}));
        showLearnedRows([others[1], known, others[0]]);
        window.names = [...document.querySelectorAll('#learned-table .name')]
          .map((each) => each.innerText);
    }})()""")
    assert page.value("names") == ["acme-b", "davinci-002", "acme-a"]
    assert page.value("document.activeElement === before")
    page.value("showLearned()")
    assert page.value("document.querySelectorAll('#learned-table tbody tr').length") == 1
    assert page.value("document.activeElement === before")


def test_an_answer_that_was_overtaken_is_not_shown(page: Browser) -> None:
    open_section(page, "learned")
    page.until("document.querySelectorAll('#learned-table tbody tr').length === 1")
    page.value("""(async () => {
        const real = call;
        let answer;
        call = () => new Promise((resolve) => { answer = resolve; });
        const overtaken = showLearned();
        call = real;
        await showLearned();
        answer([]);
        await overtaken;
    })()""")
    assert page.value("document.querySelectorAll('#learned-table tbody tr').length") == 1
    assert page.value("document.getElementById('no-learned').hidden")


def test_a_model_is_resolved(page: Browser) -> None:
    open_section(page, "resolve")
    page.value("document.querySelector('#resolve-form [name=model]').focus()")
    page.write("ft:davinci-002:acme::1")
    page.press("Enter")
    page.until("document.querySelector('#resolve-result').innerText")
    assert "/v1/completions" in page.text("#resolve-result")
    assert "decides" in page.text("#resolve-result")


def test_a_request_is_translated_or_refused_in_words(page: Browser) -> None:
    open_section(page, "translate")
    submit = "document.querySelector('#translate-form').requestSubmit()"
    page.value(submit)
    page.until("document.querySelector('#translate-result').innerText")
    assert "POST /v1/completions" in page.text("#translate-result")
    assert '"prompt": "Say hello."' in page.text("#translate-result")
    page.value("document.querySelector('#translate-form [name=body]').value = '{'")
    # A 400 is an error to the browser's console, too.
    page.value(submit)
    page.until("document.querySelector('#translate-result .error') !== null")
    assert page.text("#translate-result .error")
    page.complaints.clear()


def test_the_configuration_is_shown_without_secrets(page: Browser) -> None:
    open_section(page, "configuration")
    page.until("document.querySelector('#configuration-text').innerText")
    text = page.text("#configuration-text")
    assert "  openai:\n" in text
    assert UPSTREAM_KEY not in text


def test_the_configuration_is_reloaded_or_its_problems_are_shown(
    shared: Browser, tmp_path: Path
) -> None:
    shared.show_as(1200, 800)
    file = tmp_path / "gateway.yaml"
    text = "upstreams: {first: {base_url: 'http://127.0.0.1:9/v1'}}\nserver: {port: 0}\n"
    file.write_text(text + "admin: {port: 0}\n")
    with gateway_process("serve", "--config", str(file), folder=tmp_path) as process:
        admin_url = process.line_with("admin: ").removeprefix("admin: ")
        shared.open(f"{admin_url}/#configuration")
        shared.until("document.querySelector('#configuration-text').innerText.includes('first')")
        file.write_text(text.replace("first", "second") + "admin: {port: 0}\n")
        shared.value("document.querySelector('#reload').focus()")
        shared.press("Enter")
        shared.until("document.querySelector('#configuration-text').innerText.includes('second')")
        shared.until("document.querySelector('#live-text').innerText === 'live'")
        open_section(shared, "upstreams")
        shared.until("document.querySelector('#upstream-cards')?.innerText.includes('second')")
        file.write_text("upstreams: {}\n")
        open_section(shared, "configuration")
        shared.value("document.querySelector('#reload').focus()")
        shared.press("Enter")
        shared.until("document.querySelector('#reload-result').className === 'error'")
        assert "upstreams" in shared.text("#reload-result")
        assert "second" in shared.text("#configuration-text")
    shared.open("about:blank")


def test_every_section_is_reached_by_links_and_fits_a_phone(page: Browser) -> None:
    page.until(f"{ROWS} >= 12")
    for dark in (False, True):
        page.show_as(360, 740, dark=dark)
        for name in SECTIONS:
            page.value(f"document.querySelector('nav a[href=\"#{name}\"]').click()")
            page.until(f"!document.getElementById('section-{name}').hidden")
            assert page.value("document.documentElement.scrollWidth <= innerWidth"), name
            assert page.value("document.querySelectorAll('nav a[aria-current]').length") == 1
    background = page.value("getComputedStyle(document.body).backgroundColor")
    page.show_as(360, 740)
    assert page.value("getComputedStyle(document.body).backgroundColor") != background


def test_texts_have_enough_contrast(page: Browser) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1."""
    for dark in (False, True):
        page.show_as(1200, 800, dark=dark)
        for text, back in (
            *(("text", "back"), ("muted", "card"), ("muted", "back"), ("accent", "hover")),
            *(("on-accent", "accent"), ("good", "good-back"), ("bad", "bad-back")),
            *(("warn", "warn-back"), ("calm", "calm-back"), ("calm", "card")),
        ):
            assert contrast(page, text, back) >= 4.5, (dark, text, back)


def contrast(page: Browser, *names: str) -> float:
    lights = []
    for name in names:
        page.value(f"document.body.style.setProperty('outline-color', 'var(--{name})')")
        value = page.value("getComputedStyle(document.body).outlineColor")
        channels = [int(channel) / 255 for channel in re.findall(r"\d+", value)[:3]]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        lights.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    darker, lighter = sorted(lights)
    return (lighter + 0.05) / (darker + 0.05)


def test_the_token_is_given_once(shared: Browser) -> None:
    shared.complaints.clear()
    with busy_gateway(TOKEN) as gateway:
        shared.open(f"{gateway.admin_url}/")
        assert shared.value("document.querySelector('#login') !== null")
        shared.value("document.querySelector('#token').focus()")
        shared.write(TOKEN)
        shared.press("Enter")
        shared.until("document.querySelector('#request-table') !== null")
        shared.until(f"{ROWS} >= 12")
        assert shared.value("document.cookie") == ""
        assert TOKEN not in shared.value("document.documentElement.outerHTML")
        shared.call("Network.clearBrowserCookies")
        shared.open(f"{gateway.admin_url}/?token={TOKEN}")
        shared.until(f"{ROWS} >= 12")
        assert urlsplit(shared.value("location.href")).query == ""
        visited = shared.call("Page.getNavigationHistory")["entries"]
        assert TOKEN not in str([entry["url"] for entry in visited])
        shared.open(f"{gateway.admin_url}/")
        shared.until(f"{ROWS} >= 12")
    shared.open("about:blank")


def test_another_site_cannot_use_it(shared: Browser, gateway: RunningGateway) -> None:
    """Not even one on this machine, for which a browser would have a cookie."""
    shared.open(f"{gateway.base_url}/models")
    body = '{"upstream": "openai", "model": "davinci-002"}'
    forget = f"""fetch('{gateway.admin_url}/forget', {{
        method: 'POST', mode: 'no-cors', headers: {{'content-type': 'text/plain'}}, body: '{body}'
    }}).then(() => 'done', () => 'refused')"""
    assert shared.value(forget) == "refused"
    learned = httpx2.get(f"{gateway.admin_url}/learned", trust_env=False).json()
    assert [entry["model"] for entry in learned] == ["davinci-002"]
    read = f"fetch('{gateway.admin_url}/requests').then(() => 'read', () => 'refused')"
    assert shared.value(read) == "refused"
    shared.open("about:blank")


def test_any_worker_shows_the_requests_of_all_and_an_open_page_does_not_delay_the_end(
    shared: Browser, tmp_path: Path
) -> None:
    with gateway_process(
        *("serve", "--port", "0", "--workers", "2", "--upstream", "http://127.0.0.1:9/v1"),
        folder=tmp_path,
        GATEWAY_ADMIN__PORT="0",
        GATEWAY_SERVER__GRACE_PERIOD="3600",
    ) as process:
        base_url = process.line_with("gateway: ").removeprefix("gateway: ")
        admin_url = process.line_with("admin: ").removeprefix("admin: ")
        shared.open(f"{admin_url}/")
        shared.until("document.getElementById('workers').innerText.includes('2 of 2 workers')")
        for _ in range(8):
            body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
            url = f"{base_url}/chat/completions"
            assert httpx2.post(url, json=body, trust_env=False).status_code == 502
        shared.until(f"{ROWS} === 8")
        for _ in range(4):
            seen = httpx2.get(f"{admin_url}/requests", trust_env=False).json()
            assert len(seen) == 8
        os.kill(process.pid, signal.SIGTERM)
        assert process.ended() == 0
    shared.open("about:blank")

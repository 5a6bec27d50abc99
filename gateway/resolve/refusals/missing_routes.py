"""Whether an upstream says that it has no such endpoint for any model: in JSON, text or HTML.

Servers and frameworks each have one text for it. A page is recognised by its title or its whole
text, so that other pages (a gateway's 502, a moved site) do not count as missing routes, whatever
their status. Only at `/v1/messages`, which most servers lack, does any page with status 404 or 405
count.
"""

import re

from gateway.envelopes.error_envelopes import ErrorDetails
from gateway.envelopes.pages import is_page, text_of, title_of
from gateway.envelopes.printed_values import MAX_BODY_BYTES
from gateway.resolve.refusals.endpoint_words import ENDPOINT

NO_METHOD = 405
_CODES = frozenset({"unknown_url", "api_not_implemented"})

_NOT_YET = r"not (?:yet )?implemented"
_METHOD = r"(?:GET|POST|PUT|DELETE)"
_LACKED = (
    rf"(?:(?:endpoint|route|path):? )?[`'\"]?(?:{ENDPOINT}|chat completions?)[`'\"]?"
    r"(?: endpoint| API| route)?|endpoint|route"
)
_IS_LACKING = (
    r"(?:is|are) (?:currently )?"
    r"(?:not (?:yet )?(?:supported|implemented|enabled|available)|unsupported|disabled)"
    r"(?: yet| (?:by|on|at|in) this "
    r"(?:server|gateway|proxy|relay|provider|deployment|instance|service|API))?"
)
_ELSEWHERE = r"(?:[.;,] (?:please )?(?:use|try|call) [^\n]{1,200}?)?"
_WHOLE = (
    # Go, gin, echo, FastAPI, aiohttp, Hono, Koa, llama.cpp, Azure, one-api, Kubernetes
    r"(?:(?:error )?404[: -]{1,3})?(?:page )?not found",
    r"(?:(?:http )?error:? )?40[45]",
    r"(?:(?:error )?405[: -]{1,3})?method not allowed",
    r"file not found|resource not found|api not implemented|default backend - 404",
    r"endpoint not (?:supported|implemented)|route not found",
    # Express, NestJS and Fiber; Fastify and NestJS's other half; Django's REST framework
    rf"cannot {_METHOD} /\S{{0,300}}",
    rf"route (?:{_METHOD}[: ])?/\S{{1,300}} not found",
    rf"method \"{_METHOD}\" not allowed",
    # Laravel, Symfony, Spring
    r"the route \S{1,300} could not be found",
    rf"no route found for \"{_METHOD} \S{{1,300}}\"",
    r"no static resource \S{1,300}",
    # SGLang's model gateway
    rf"(?:{ENDPOINT}|chat completions?)(?: endpoint| API)? {_NOT_YET}(?: for \w{{1,20}} router)?",
    # Small gateways, of an endpoint that they lack for any model
    rf"(?:(?:the|this|legacy) )?(?:{_LACKED}) {_IS_LACKING}{_ELSEWHERE}",
    rf"(?:unknown|unsupported) (?:endpoint|route|path):? (?:{_METHOD} )?[`'\"]?/\S{{1,300}}",
)
_TEXT = re.compile(
    rf"(?:{'|'.join(_WHOLE)})[.!]?$|"
    r"Invalid URL \(|Unknown request URL|Unexpected endpoint or method|No handler found on route|"
    # Ray Serve
    r"Path '/\S{0,300}' not found\. Ping |"
    r"Operation is not implemented, or supported, or enabled|no Route matched with those values|"
    rf"The {_METHOD} method is not supported for (?:this )?route |"
    r"The requested (?:URL|resource) was not found on th(?:e|is) server",
    re.IGNORECASE,
)
_UNIMPLEMENTED = re.compile(r"(?:(?:error )?501[: -]{1,3})?not implemented[.!]?$", re.IGNORECASE)

# nginx, Apache, Flask; Tornado; Jetty, bottle, Google; Tomcat; Django with and without DEBUG; sites
# that write their name after it (OpenCode's "Not Found | opencode")
_ROUTE_TITLE = re.compile(
    r"(?:(?:HTTP Status |Error:? )?(?:404|405)\b[ :\u2013-]{0,3}"
    r"(?:\(?(?:Not Found|Page not found|(?:Method )?Not Allowed)\)?!*1*)?|"
    r"(?:Page )?Not Found(?: at /\S{0,300})?|Method Not Allowed)(?: [|\u00b7\u2013-] .{1,80})?$",
    re.IGNORECASE,
)
# Python's http.server
_SHOWN = re.compile(r"Error response Error code: 404 Message: (?:File )?not found\b", re.IGNORECASE)


def is_missing_route(reply: ErrorDetails) -> bool:
    """Whether an error in JSON says that the route is missing."""
    return reply.code in _CODES or _TEXT.match(reply.message) is not None


def is_unimplemented(reply: ErrorDetails) -> bool:
    """Whether an error with status 501 says only "not implemented", as FastAPI's does."""
    return _UNIMPLEMENTED.match(reply.message) is not None


def is_missing_page(status: int, body: object, *, any_html: bool = False) -> bool:
    """Whether a reply without JSON is a server's own "no such page". Never raises.

    `any_html`: every page in HTML counts, whatever it says.
    """
    if status not in (404, NO_METHOD):
        return False
    if isinstance(body, bytes | bytearray):
        body = body.decode("utf-8", "replace") if len(body) <= MAX_BODY_BYTES else None
    if not isinstance(body, str) or len(body) > MAX_BODY_BYTES:
        return False
    page = body.strip().removeprefix("\ufeff")
    if not is_page(page):
        return not page or _TEXT.match(page) is not None
    if any_html:
        return True
    if _ROUTE_TITLE.match(title_of(page)):
        return True
    shown = text_of(page)
    return _TEXT.match(shown) is not None or _SHOWN.match(shown) is not None

"""Names of functions in pieces, which can only be joined by knowing the names of the tools.

Most servers that send a name with more than one fragment repeat it, or begin another call.
"""

from collections.abc import Collection

from gateway.shapes import Json


def goes_on(name: str, tools: Collection[str]) -> bool:
    """Whether a name may be no more than the beginning of a tool's name."""
    return any(tool.startswith(name) and tool != name for tool in tools)


def joined(known: str, more: str, tools: Collection[str]) -> str | None:
    """Return the name that two pieces make; None: the second piece is a name of its own.

    The second piece may begin with a repetition of the first.
    """
    is_longer = known and known not in tools and known != more and more.startswith(known)
    whole = more if is_longer else known + more
    is_one = known and more and not (known in tools and more in tools)
    return whole if is_one and (whole in tools or goes_on(whole, tools)) else None


def names_of(body: Json) -> frozenset[str]:
    """Return the names of the tools in a request of any shape, checked or not."""
    names: list[object] = []
    for field in ("tools", "functions"):
        listed = body.get(field)
        for tool in listed if isinstance(listed, list) else ():
            if isinstance(tool, dict):
                inner = tool.get("function") or tool.get("custom") or tool
                names.append(inner.get("name") if isinstance(inner, dict) else None)
    return frozenset(name for name in names if isinstance(name, str) and name)

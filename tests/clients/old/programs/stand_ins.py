"""Stand-ins for what the old programs import and do not need here, or would download.

Put in place before a program is imported: `spacy`, `datasets`, `IPython` and `google` are heavy and
only used by parts that are not run; tiktoken's ranks come from a server, so bytes take their place.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

_MODULES: dict[str, dict[str, Any]] = {
    "spacy": {},
    "datasets": {},
    "datasets.fingerprint": {"Hasher": object},
    "IPython": {"get_ipython": lambda: None},
    "google": {"generativeai": None},
}


def put_in_place() -> None:
    """Put the stand-ins in place."""
    for name, members in _MODULES.items():
        module = ModuleType(name)
        vars(module).update(members)
        sys.modules[name] = module
    tiktoken: Any = import_module("tiktoken")
    ranks = {bytes([value]): value for value in range(256)}
    special = {"<|endoftext|>": 256}
    encoding = tiktoken.Encoding(
        "bytes", pat_str=r"\s?\S+|\s", mergeable_ranks=ranks, special_tokens=special
    )
    tiktoken.get_encoding = tiktoken.encoding_for_model = lambda _name: encoding

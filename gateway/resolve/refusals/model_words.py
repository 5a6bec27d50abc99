"""Plain sentences which say that a model is missing or retired, and name it.

Small servers and relays each have their own: `gpt-9 has been retired`, `No model named gpt-9`. The
same is said of keys, files, users and answers. So a sentence counts by its name: the model that was
sent, or another one, if it is called a model and looks like a model's name.
"""

import re

_GONE = (
    r"deprecated|decommissioned|retired|discontinued|removed|withdrawn|shut ?down|phased out|"
    r"sunset(?:ted)?|end[ -]of[ -]life|not available any ?more|"
    r"no longer (?:being )?(?:accessible|active|available|hosted|offered|provided|served|supported)"
)
HAS_GONE = (
    rf"(?:(?:has been|was|is) (?:now |already |permanently )?(?:{_GONE})\b|"
    r"(?:has )?reached (?:(?:its )?end[ -]of[ -]life|the end of its life)|"
    r"has (?:been )?(?:retired|sunset)|no longer exists|(?:does not|doesn't) exist any ?more)"
)
"""What is said of a model that was there once."""

_CHOSEN = r"(?:requested|specified|selected|asked for|provided|configured)"
BY_YOU = rf"(?: (?:that )?you(?:'ve| have)? {_CHOSEN}| associated with (?:this|the) deployment)?"
"""What may follow `the model`."""

_NAME = r"(?P<quote>[`'\"])?(?P<name>[^\s`'\"]{1,300}?)(?(quote)(?P=quote))"
_NAMED = (
    rf"(?:Sorry, )?(?:(?:The |This )?(?:{_CHOSEN} )?(?:(?:model )?(?:endpoint|deployment)|"
    rf"model(?:[ _](?:name|id))?)(?: with (?:id|name))?"
    rf":? |The )?{_NAME}(?: model)?{BY_YOU}"
)
_KNOWN = r"(?:configured|deployed|existing|installed|known|listed|recogni[sz]ed|registered|valid)"
_ADVICE = (
    r"[.,;:]? \(?(?:available|allowed|known|supported|valid|please use|use|try|did you mean)\b"
)
_ENDS = rf"(?=\.?$|{_ADVICE})"
_IS_MISSING = (
    r"(?:(?:(?:does not|doesn't) exist|(?:(?:was|is) )?not found|has not been found|"
    r"(?:could not|cannot|can't) be found)(?=$|[.,;:!?)\n]| (?:in|on|at|or)\b)|"
    rf"(?:is not|isn't) (?:an? (?:available|supported|{_KNOWN})(?: \w{{1,20}})? model"
    rf"(?: name| id)?|{_KNOWN}|available|supported){_ENDS}|"
    rf"is (?:unknown|unrecogni[sz]ed){_ENDS})"
)
_NO_MODEL = (
    r"(?:(?:There (?:is|was) no|There's no|No|Found no|Have no)|"
    r"(?:Unable|Failed|Not able) to find (?:an?|any|the)?|"
    r"(?:Could not|Couldn't|Cannot|Can't|Did not|Didn't) find (?:an?|any|the)?) ?"
    rf"(?:(?:available|matching|such|{_KNOWN}) )?model(?: (?:was |is )?(?:found|exists|{_KNOWN}))?"
    r"(?: (?:named|called|for|matching|by|with (?:the |an? )?(?:name|id|identifier)"
    r"(?: of)?))?:? "
)
_BAD_MODEL = r"(?:Unrecogni[sz]ed|Non-?existent|Unavailable) model(?:[ _](?:name|id))?:? "
_IN_CHINESE = r"(?:\u8be5|\u6b64|\u5f53\u524d|\u8bf7\u6c42\u7684|\u6307\u5b9a\u7684)?\u6a21\u578b"
_MISSING_IN_CHINESE = r"(?:\u4e0d\u5b58\u5728|\u672a\u627e\u5230)"
_GONE_IN_CHINESE = (
    r"(?:\u5df2(?:\u7ecf)?(?:\u4e0b\u7ebf|\u505c\u7528|\u9000\u5f79|\u5f03\u7528|\u5e9f\u5f03)|"
    r"\u4e0d\u518d(?:\u63d0\u4f9b|\u652f\u6301))"
)

HAS_GONE_IN_CHINESE = rf"{_IN_CHINESE} ?{_GONE_IN_CHINESE}"
"""What is said of such a model in Chinese, without its name."""

RETIRED: tuple[re.Pattern[str], ...] = (
    re.compile(rf"{_NAMED} {HAS_GONE}", re.IGNORECASE),
    re.compile(rf"{_IN_CHINESE}[ :\uff1a]?{_NAME} ?{_GONE_IN_CHINESE}"),
)
"""Sentences about retired models; `name` is what they name."""

MISSING: tuple[re.Pattern[str], ...] = (
    re.compile(rf"{_NAMED} {_IS_MISSING}", re.IGNORECASE),
    re.compile(
        rf"{_NO_MODEL}{_NAME}(?: (?:(?:was |is )?(?:found|available)|exists?))?{_ENDS}",
        re.IGNORECASE,
    ),
    re.compile(rf"{_BAD_MODEL}{_NAME}{_ENDS}", re.IGNORECASE),
    re.compile(rf"{_IN_CHINESE}[ :\uff1a]?{_NAME} ?{_MISSING_IN_CHINESE}"),
)
"""Sentences about missing models; `name` is what they name."""

_DIGIT = re.compile(r"\d")
_CALLED_A_MODEL = re.compile(r"\bmodel\b|\u6a21\u578b", re.IGNORECASE)
_VERSIONS = "-@:"


def is_named(sentences: tuple[re.Pattern[str], ...], message: str, model: str) -> bool:
    """Whether a message is one of these sentences, about the model that was sent as `model`.

    A relay can have another name for the model. Such a name counts if the sentence calls it a
    model, and if it is in quotation marks or has a digit.
    """
    for sentence in sentences:
        found = sentence.match(message)
        if found is None:
            continue
        name = found["name"]
        if _is_same(name, model):
            return True
        around = message[: found.start("name")] + message[found.end("name") : found.end()]
        is_a_name = found["quote"] is not None or _DIGIT.search(name) is not None
        if is_a_name and _CALLED_A_MODEL.search(around) is not None:
            return True
    return False


def _is_same(name: str, model: str) -> bool:
    """Whether two names differ at most by a router's prefix and a snapshot's suffix."""
    one, other = (each.lower().rpartition("/")[2] for each in (name, model.replace(" ", "_")))
    shorter, longer = sorted((one, other), key=len)
    rest = longer.removeprefix(shorter)
    return bool(shorter) and (not rest or (rest != longer and rest[0] in _VERSIONS))

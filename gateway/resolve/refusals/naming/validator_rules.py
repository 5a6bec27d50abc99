"""Texts by which the validators of many languages refuse fields that they do not know.

Servers pass them on as they are. Lists of fields that are nested into a request are in
`listed_fields`.
"""

from gateway.resolve.refusals.naming.naming_rule import (
    ANY_NAME,
    NAME,
    QUOTED,
    NamingRule,
    by_model,
    by_server,
)

_ONE = r"(?:[A-Za-z_][\w.\[\]]*|`[\w.\[\]]{1,200}`|'[\w.\[\]]{1,200}'|\"[\w.\[\]]{1,200}\")"
_NAMES = rf"(?P<names>{_ONE}(?:(?:, (?:and )?| and ){_ONE}){{0,63}})"
_KIND = r"(?:parameter|field|property|propertie|argument|option|key)(?:s|\(s\))?"
_ENDS = r"\.?$"
_LACKED = r"(?:not (?:supported|allowed|permitted)|unsupported)"
_NOT_OF_MODEL = (
    r"(?:(?:The )?model \S{1,200}|th(?:e|is) model) (?:does not|doesn't) support "
    r"(?:the )?(?:parameter )?"
)

VALIDATOR_RULES: tuple[NamingRule, ...] = (
    # Anthropic, and pydantic messages without their structure; Fireworks; Go's decoder, Rust's
    by_server(rf"(?:body\.)?{NAME}: Extra inputs are not permitted\.?$"),
    by_server(rf"Extra inputs are not permitted, field: {QUOTED}"),
    by_server(
        rf"(?:Failed to deserialize the JSON body into the target type: )?"
        rf"(?:json: )?unknown field:? {ANY_NAME}",
        unknown=True,
    ),
    # The decoder of Rust with the path of the field, of which the name is the last step
    by_server(
        rf"Failed to deserialize the JSON body into the target type: {NAME}: "
        r"unknown field [`'\"]?\w{1,100}[`'\"]?, expected ",
        "bedrock-gpt-oss-unknown-field",
        unknown=True,
    ),
    # Cohere
    by_server(rf"unknown field: parameter {QUOTED} is not a valid field", unknown=True),
    # zod 3 and 4
    by_server(
        rf"(?:Validation error: )?Unrecognized keys?(?:\(s\) in object)?: {_NAMES}{_ENDS}",
        "zod-unrecognized-keys",
        "zod-issues",
        unknown=True,
    ),
    # class-validator (NestJS); Joi
    by_server(rf"property {NAME} should not exist{_ENDS}", "nestjs-should-not-exist", unknown=True),
    by_server(rf"{QUOTED} is not allowed{_ENDS}", unknown=True),
    # better-ajv-errors
    by_server(
        rf"(?:/[\w/]{{0,100}} ?:? ?)?(?:property )?[`'\"]?{NAME}[`'\"]? (?:property )?is not "
        r"expected to be here",
        unknown=True,
    ),
    # Jackson (Spring); Python's own
    by_server(rf"(?:JSON parse error: )?Unrecognized field {QUOTED} \(class ", unknown=True),
    by_server(
        rf"(?:[\w.]{{1,100}}\(\) )?got an unexpected keyword argument {QUOTED}{_ENDS}",
        unknown=True,
    ),
    # msgspec; pydantic 1
    by_server(rf"Object contains unknown field {QUOTED}(?: - at `\$`)?{_ENDS}", unknown=True),
    by_server(rf"{NAME}: extra fields not permitted{_ENDS}", unknown=True),
    # Small servers, each with words of its own
    by_server(
        r"(?:(?:Validation(?: error)?|Invalid request): |Request contains )?"
        r"(?:unknown|unsupported|unexpected|unrecognized|extra|additional)"
        rf"(?: request| body| input)? {_KIND}(?: not (?:allowed|permitted))?:? {_NAMES}{_ENDS}",
        unknown=True,
    ),
    by_server(
        rf"(?:The )?(?:following )?{_KIND} (?:is |are )?{_LACKED}: {_NAMES}{_ENDS}",
        unknown=True,
    ),
    by_server(
        rf"(?:The )?(?:additional )?{_KIND} {QUOTED} (?:is |are )?{_LACKED}{_ENDS}", unknown=True
    ),
    by_server(
        rf"[`'\"]?{NAME}[`'\"]?: (?:(?:unknown|unsupported|unexpected|unrecognized) {_KIND}|"
        rf"this {_KIND} is {_LACKED}){_ENDS}",
        unknown=True,
    ),
    by_server(rf"Unsupported {_KIND}: (?P<literal>\[[^\[\]\n]{{1,1000}}\]){_ENDS}"),
    by_server(rf"{QUOTED} is not a (?:valid|supported|known|recognized) {_KIND}{_ENDS}"),
    by_model(rf"{_NOT_OF_MODEL}{QUOTED}(?: parameter)?{_ENDS}"),
    by_model(rf"{_NOT_OF_MODEL}{NAME}(?: parameter)?{_ENDS}"),
    # OpenAI, whose model thinks all the same
    by_model(
        r"Your organization must be verified to generate reasoning summaries",
        "openai-org-must-be-verified-summary",
        about=("reasoning.summary",),
    ),
    # Bedrock's Converse, behind relays; its names are its own
    by_model(
        r"This model doesn't support the stopSequences field\. Remove ",
        about=("stop", "stop_sequences"),
    ),
    by_model(rf"This model doesn't support the {NAME} field\. Remove (?P=name) and try again"),
)

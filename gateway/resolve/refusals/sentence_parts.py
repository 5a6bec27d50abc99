"""Parts of sentences by which many servers refuse an endpoint, in any letter case.

The patterns match within one line and have no nested repetition, so that they are linear in the
length of a message.
"""

from gateway.resolve.refusals.endpoint_words import ENDPOINT

MODEL = r"[`'\"]?(?P<name>[^\s`'\"]{1,300})[`'\"]?"
"""A model's name, with or without quotes: `name`."""

SUBJECT = (
    r"(?:This model|(?=The |This |(?:requested |specified )?model|[`'\"]|\S{0,300}\d)"
    rf"(?:(?:The |This )?(?:requested |specified )?model:? )?{MODEL})"
)
"""The model that is refused: it is called a model, is quoted, or has a digit as names do."""

VIA = r"(?:in|on|at|by|for|with|via|through|over|using|from)"

PROVIDER = (
    r"(?:(?:The |This |Current )?(?:upstream )?(?:[\w.-]{1,60} )?"
    r"(?:backend|provider|upstream|channel|adapter)(?: [`'\"]?[\w.-]{1,60}[`'\"]?)?)"
)
"""A provider behind a relay, of which all models are refused."""

REFUSES = (
    r"(?:(?:does not|doesn't) (?:support|work with)|"
    rf"(?:is unavailable|is unsupported|is disabled) {VIA}|"
    rf"(?:is not|isn't) (?:supported|available|accessible|compatible|served|usable) {VIA}|"
    rf"(?:cannot|can't|can not) be (?:used|accessed|called|served) {VIA})"
)

HERE = rf"(?:the )?(?:OpenAI )?[`'\"]?(?P<here>{ENDPOINT})"
"""The endpoint that is refused: `here`."""

THERE = rf"(?:the )?(?:OpenAI )?[`'\"]?(?P<there>{ENDPOINT})"
"""The endpoint to use instead: `there`."""

ENDS = (
    r"[`'\"]?(?: (?:API|endpoint|route))?"
    r"(?=$|[.,;:!\n]| ?\(| (?:please|use|try|instead|-)(?: |$))"
)
"""What may follow the endpoint: an end, or advice. "… API with tools" is about the request, "… API
for your account" about access."""

ENDS_WITH_REASON = (
    r"[`'\"]?(?: (?:API|endpoint|route))?"
    rf"(?= because [^\n]{{1,200}}?\b(?:use|try|call) (?:the )?{ENDPOINT}|"
    r" through this (?:gateway|proxy|relay|route)\b)"
)
"""A reason that is not about access: it ends in advice, or names the relay."""

ADVICE = rf"(?:[^\n]{{0,300}}?\b(?:use|try|call|to|via) {THERE})?"
"""Advice to use another endpoint, if there is any."""

THUS = r",? (?:and )?(?:is )?(?:thus |therefore )?(?:is )?not supported"
"""How OpenAI, and servers with its words, go on after the sort of a model."""

ENDPOINT_FIRST = (
    r"(?:The )?(?:endpoint )?"
    rf"(?:(?P<mark>[`'\"]?)(?:OpenAI )?(?P<here>{ENDPOINT})(?: (?:API|endpoint|route))?"
    r"(?P=mark)(?: (?:API|endpoint|route))?|"
    r"(?:(?:This|The) )?(?:API )?endpoint) "
    r"(?:(?:is not|isn't|not) (?:supported|available|enabled|accessible)|"
    r"is (?:disabled|unavailable|unsupported)) (?:for|with|by|on|at) "
    rf"(?:this model|(?:the )?model:? {MODEL})(?=$|[.,;:!\n]| ?\()"
)
"""A refusal with the endpoint as the subject, named or not: "… is not supported for model X"."""

CONTENT = (
    r"(?!(?:The )?parameter)(?-i:[A-Z])[\w`'\" -]{1,60}? (?:is not|isn't|are not|aren't) "
    rf"supported {VIA} {HERE}{ENDS}[^\n]{{0,300}}?\b(?:use|try|call) {THERE}"
)
"""A part of the request that is refused here, and accepted `there`."""

ONLY_THERE = (
    rf"{SUBJECT} (?:is (?:only|solely|exclusively)|can only be|only) "
    rf"(?:(?:supported|available|accessible|served|usable|used|works) {VIA}|supports) "
    rf"{THERE}(?:[`'\"]?(?: (?:API|endpoint))? and not {VIA} {HERE}|{ENDS})"
)
"""A model that is `there` and nowhere else."""

MUST_BE_THERE = (
    rf"(?:{SUBJECT}|(?-i:[A-Z])[\w-]{{0,30}} models) "
    rf"(?:must use|requires?|must be (?:called|used|accessed) {VIA}) {THERE}{ENDS}"
)
"""A model, or all models of a maker, that must be called `there`."""

FOR_MODEL = (
    rf"(?:Please )?(?:use|call) {THERE}[`'\"]?(?: (?:API|endpoint|route))?(?: instead)? "
    rf"(?:for|with) (?:this model|(?:the )?model:? {MODEL})(?=$|[.,;:!\n])"
)
"""Advice to call the model `there`."""

_CHINESE_MODEL = rf"(?:该|此|当前)?模型\W?(?:{MODEL} ?)?"
_CHINESE_ENDS = r"[`'\"]? ?(?:接口|端点|协议|API)?(?=$|\W)"
IN_CHINESE = (
    rf"{_CHINESE_MODEL}(?:是\w{{1,20}}\W ?)?不支持 ?{HERE}{_CHINESE_ENDS}"
    rf"(?:[^\n]{{0,100}}?请(?:使|改)?用 ?{THERE})?"
)
ONLY_IN_CHINESE = rf"{_CHINESE_MODEL}[仅只]支持 ?{THERE}{_CHINESE_ENDS}"
"""The words of relays in China: a model is refused here (`IN_CHINESE`), or served only `there`."""

SORT = (
    rf"{SUBJECT} is (?:not )?an? (?:(?:text )?(?:chat|completions?|generation)|base|instruct) model"
    rf"(?:[.,;:]| and)? (?:please )?(?:use|try|call) {THERE}{ENDS}"
)
"""The sort of a model, and the endpoint to use for that sort."""

AGENT_API = r"Sonar is now the Agent API\b"
"""Perplexity, of its chat endpoint, which it has given up."""

NO_TEMPLATE = (
    # vLLM, and those who quote it
    r"(?:(?:As of transformers v[\d.]{1,10}, )?(?:the )?default chat template is no longer allowed|"
    # Small servers
    rf"(?:{SUBJECT}|This tokenizer) (?:(?:does not|doesn't) (?:have|define|provide|include) an?|"
    r"has no|lacks an?|is missing an?) (?:default )?chat[ _]template\b|"
    r"No chat[ _]template (?:is |was )?(?:defined|set|found|available|provided|configured) "
    r"(?:for|in|by|with) (?:this|the) (?:model|tokenizer)\b|"
    # transformers (tokenization_utils_base.py, processing_utils.py), through SGLang, oMLX, others
    r"(?:Chat template error: )?Cannot use (?:chat template functions|"
    r"apply_chat_template(?:\(\))?) because (?:tokenizer\.chat_template is not set|"
    r"this (?:processor|tokenizer) does not have a chat template)|"
    # TGI
    r"Template error: template not found|"
    # TabbyAPI
    r"(?:Chat completions are|This endpoint is|The Anthropic API is) disabled because a prompt "
    r"template is not set|"
    # OpenVINO Model Server
    r"(?:Mediapipe execution failed\. MP status - \w{1,40}: CalculatorGraph::Run\(\) failed:\s{1,4}"
    r"Calculator::Process\(\) for node [`'\"]\w{1,40}[`'\"] failed:\s{1,4}Error: )?"
    r"Chat template not loaded correctly|"
    # mistral.rs
    r"Received messages for a model which does not have a chat template|"
    # RunPod's worker of vLLM
    r"Chat template does not exist for this model)"
)
"""A model without a chat template, which takes prompts only."""

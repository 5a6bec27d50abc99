"""One LangChain app on models of two endpoints, by the names of the models alone."""

from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAI

GATEWAY = "http://127.0.0.1:8080/v1"
KEY = "sk-demo"


@tool
def get_weather(location: str) -> str:
    """Return the weather at a place."""
    return f"Sunny, 21 °C in {location}."


chat = ChatOpenAI(base_url=GATEWAY, api_key=KEY, model="gpt-5-codex")
print("chat client, responses-only model:", chat.invoke("Say hello").text)

completions = OpenAI(base_url=GATEWAY, api_key=KEY, model="gpt-4o-mini")
print("completions client, chat model:", completions.invoke("Say hello"))

responses = ChatOpenAI(base_url=GATEWAY, api_key=KEY, model="gpt-3.5-turbo", use_responses_api=True)
with_tools = responses.bind_tools([get_weather])
question = HumanMessage("What is the weather in Paris?")
asked = with_tools.invoke([question])
answers = [get_weather.invoke(call) for call in asked.tool_calls]
print("responses client, chat model, tools:", with_tools.invoke([question, asked, *answers]).text)

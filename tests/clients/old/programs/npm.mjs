// What programs in JavaScript of early 2023 did; not a test itself. Evaluated by node in the folder
// of the packages, so that it finds them; the argument is the base URL. Each line of standard input
// is a JSON list with the name of a program; each line of output is what came of it.

import process from "node:process";
import readline from "node:readline";

const baseURL = process.argv[1];
const root = baseURL.replace(/\/v1$/, "");
const apiKey = "sk-test";
const question = "What is the weather in Paris?";

async function conversation(ChatGPTAPI, apiBaseUrl) {
  const api = new ChatGPTAPI({ apiKey, apiBaseUrl });
  const first = await api.sendMessage("Hello there");
  const pieces = [];
  const second = await api.sendMessage("And now?", {
    parentMessageId: first.id,
    onProgress: (part) => pieces.push(part.text),
  });
  return { first: first.text, second: second.text, pieces };
}

async function agent(model, agentType) {
  const { initializeAgentExecutorWithOptions } = await import("langchain/agents");
  const { DynamicTool } = await import("langchain/tools");
  const asked = [];
  const weather = new DynamicTool({
    name: "Weather",
    description: "tells the weather of a place",
    func: async (place) => {
      asked.push(place.trim());
      return "sunny";
    },
  });
  const executor = await initializeAgentExecutorWithOptions([weather], model, { agentType });
  const { output } = await executor.call({ input: question });
  return { answer: output, asked };
}

const settings = { openAIApiKey: apiKey, temperature: 0, maxRetries: 0 };

const programs = {
  chatgpt5: async () => conversation((await import("chatgpt")).ChatGPTAPI, baseURL),
  chatgpt4: async () => conversation((await import("chatgpt4")).ChatGPTAPI, root),
  chatgpt4_below_v1: async () => conversation((await import("chatgpt4")).ChatGPTAPI, baseURL),
  completions_agent: async () => {
    const { OpenAI } = await import("langchain/llms/openai");
    return agent(new OpenAI(settings, { basePath: baseURL }), "zero-shot-react-description");
  },
  chat_agent: async () => {
    const { ChatOpenAI } = await import("langchain/chat_models/openai");
    const model = new ChatOpenAI(settings, { basePath: baseURL });
    return agent(model, "chat-zero-shot-react-description");
  },
  defaults: async () => {
    const { OpenAI } = await import("langchain/llms/openai");
    const pieces = [];
    const callbacks = [{ handleLLMNewToken: (piece) => pieces.push(piece) }];
    const options = { openAIApiKey: apiKey, maxRetries: 0 };
    const llm = new OpenAI(options, { basePath: baseURL });
    const streamed = new OpenAI({ ...options, streaming: true, callbacks }, { basePath: baseURL });
    const whole = await llm.call("Hello there");
    return { whole, streamed: await streamed.call("Hello there"), pieces };
  },
};

async function outcome(name) {
  try {
    return { result: await programs[name]() };
  } catch (error) {
    const data = error.response?.data ?? null;
    return { error: { class: error.name, message: String(error.message), data } };
  }
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const [name] = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(await outcome(name))}\n`);
}

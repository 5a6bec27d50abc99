/* Calls of npm's `@anthropic-ai/sdk`, made on behalf of a test.
 *
 * `node anthropic_calls.js BASE_URL`; the module is found by NODE_PATH. Lines of standard input and
 * output are those of tests/clients/anthropic_calls.py.
 */
"use strict";

const readline = require("readline");
const Anthropic = require("@anthropic-ai/sdk");

const METHODS = { count_tokens: "countTokens" };

const WEATHER = {
  name: "weather",
  description: "Tell the weather of a city.",
  input_schema: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
  },
  parse: (input) => input,
  run: ({ city }) => `sunny: ${city}`,
};

async function make({ method, arguments: given, key }) {
  const [resource, verb] = method.split(".");
  const client = new Anthropic({ baseURL: process.argv[2], apiKey: key, maxRetries: 0 });
  if (verb === "tool_runner") {
    return { reply: await client.beta.messages.toolRunner({ ...given, tools: [WEATHER] }) };
  }
  const api = client[resource];
  if (verb === "stream") {
    const stream = api.stream(given);
    const events = [];
    for await (const event of stream) {
      events.push(event.type);
    }
    return { events, reply: await stream.finalMessage() };
  }
  if (verb === "list") {
    const items = [];
    for await (const item of api.list(given)) {
      items.push(item);
    }
    return { items };
  }
  const argument = verb === "retrieve" ? given.model_id : given;
  return { reply: await api[METHODS[verb] || verb](argument) };
}

function described(error) {
  const inner = (error.error && error.error.error) || {};
  return {
    class: error.constructor.name,
    is_own: error instanceof Anthropic.APIError,
    status: error.status || null,
    type: inner.type || null,
    message: inner.message || error.message,
    request_id: error.requestID || null,
  };
}

async function result(line) {
  try {
    return await make(JSON.parse(line));
  } catch (error) {
    return { error: described(error) };
  }
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await result(line))}\n`);
  }
}

main();

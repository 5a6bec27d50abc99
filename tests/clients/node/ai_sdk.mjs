// Two turns of a conversation with a tool, as an application of the AI SDK has them; not a test
// itself. Evaluated by node in the folder of the packages; the argument is the base URL. Each line
// of standard input is a JSON object {"model", "options", "chat"}; each line of output is what came
// of it: the texts, the steps, and which tools ran, or the error.

import process from "node:process";
import readline from "node:readline";

import { createOpenAI } from "@ai-sdk/openai";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

globalThis.AI_SDK_LOG_WARNINGS = false;
const openai = createOpenAI({ baseURL: process.argv[1], apiKey: "sk-test" });

async function talk({ model, options, chat }) {
  const ran = [];
  const weather = tool({
    description: "tells the weather of a city",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => {
      ran.push(city);
      return "sunny";
    },
  });
  const settings = {
    model: chat ? openai.chat(model) : openai(model),
    tools: { weather },
    stopWhen: stepCountIs(3),
    maxRetries: 0,
    providerOptions: options,
  };
  const messages = [{ role: "user", content: "please call weather" }];
  const first = await generateText({ ...settings, messages });
  messages.push(...first.responseMessages, { role: "user", content: "call weather again" });
  let failed = null;
  const onError = ({ error }) => {
    failed = error;
  };
  const second = streamText({ ...settings, messages, onError });
  let streamed = "";
  for await (const piece of second.textStream) streamed += piece;
  if (failed) throw failed;
  const steps = [first.steps.length, (await second.steps).length];
  return { texts: [first.text, streamed], steps, ran };
}

async function outcome(asked) {
  try {
    return await talk(asked);
  } catch (error) {
    return { error: error.message, status: error.statusCode ?? null };
  }
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await outcome(JSON.parse(line)))}\n`);
}

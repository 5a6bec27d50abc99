/* Calls of npm's `openai` 3 and of plain axios, made on behalf of a test.
 *
 * `node calls.js BASE_URL`; the modules are found by NODE_PATH. Each line of standard input is
 * `{"method": "createCompletion" | "post" | …, "arguments": […]}`, each line of output its result:
 * `status`, `headers`, and `data` of a reply or the `chunks` of a stream; `error` if it was thrown.
 * An argument `{"path": …}` is a file to send.
 */
"use strict";

const fs = require("fs");
const readline = require("readline");
const axios = require("axios");
const { Configuration, OpenAIApi } = require("openai");

const basePath = process.argv[2];
const apiKey = "sk-test";
const openai = new OpenAIApi(new Configuration({ apiKey, basePath }));
const plain = axios.create({
  baseURL: basePath,
  headers: { Authorization: `Bearer ${apiKey}` },
});

/* Reads a stream as the programs of 2023 did (openai-node#18): every chunk of bytes is taken for
 * whole lines, and every line for a whole event. */
function chunksOf(stream) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    let done = false;
    stream.on("data", (data) => {
      try {
        for (const line of data.toString().split("\n").filter((each) => each.trim() !== "")) {
          const message = line.replace(/^data: /, "");
          if (message === "[DONE]") {
            done = true;
          } else {
            chunks.push(JSON.parse(message));
          }
        }
      } catch (error) {
        reject(error);
      }
    });
    stream.on("end", () => resolve({ chunks, done }));
    stream.on("error", reject);
  });
}

function given(argument) {
  const isFile = argument !== null && typeof argument === "object" && "path" in argument;
  return isFile ? fs.createReadStream(argument.path) : argument;
}

async function make(method, args) {
  const api = method in plain ? plain : openai;
  const reply = await api[method](...args.map(given));
  const told = { status: reply.status, headers: reply.headers };
  const isStream = typeof reply.data === "object" && typeof reply.data.on === "function";
  return isStream
    ? { ...told, ...(await chunksOf(reply.data)) }
    : { ...told, data: reply.data };
}

async function result(line) {
  const { method, arguments: args } = JSON.parse(line);
  try {
    return await make(method, args);
  } catch (error) {
    const { status, data } = error.response || {};
    return { error: error.message, status, data };
  }
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await result(line))}\n`);
  }
}

main();

"use strict";

// Everything that a client or an upstream can influence becomes text, never markup.

const MAX_ROWS = 200;
const TONES = {
  success: "good", client_error: "calm", client_closed: "calm", shutting_down: "calm",
  rate_limited: "warn", client_limited: "warn",
  upstream_error: "bad", stream_broken: "bad", internal_error: "bad",
};

const byId = (id) => document.getElementById(id);

function make(tag, options = {}, ...children) {
  const element = document.createElement(tag);
  const { dataset, attributes, ...properties } = options;
  Object.assign(element, properties);
  Object.assign(element.dataset, dataset);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const badge = (text, tone) => make("span", { className: `badge ${tone}` }, text);
const milliseconds = (value) =>
  value === null ? "" : value < 1000 ? `${value.toFixed(0)} ms` : `${(value / 1000).toFixed(1)} s`;
const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour12: false });
const ago = (seconds) =>
  seconds < 90 ? `${seconds.toFixed(0)} s` : seconds < 5400 ? `${(seconds / 60).toFixed(0)} min` : `${(seconds / 3600).toFixed(0)} h`;

function definitions(pairs) {
  const list = make("dl");
  for (const [term, value] of pairs) {
    if (value === "" || value === null || value === undefined) continue;
    list.append(make("dt", {}, term), make("dd", {}, value));
  }
  return list;
}

async function call(path, options) {
  const reply = await fetch(path, options);
  if (reply.status === 401) location.reload();
  const type = reply.headers.get("content-type") || "";
  const content = type.startsWith("application/json") ? await reply.json() : await reply.text();
  if (!reply.ok) throw new Error(content.error ? content.error.message : `status ${reply.status}`);
  return content;
}

const post = (path, fields, headers = {}) =>
  call(path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(fields),
  });

let noticeTimer;
function notify(text) {
  byId("notice").textContent = text;
  byId("notice").hidden = false;
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => { byId("notice").hidden = true; }, 5000);
}

// --- sections ---

const opened = {
  learned: () => showLearned(),
  configuration: async () => { byId("configuration-text").textContent = await call("configuration"); },
};

function openSection() {
  const known = [...document.querySelectorAll("main > section")];
  const wanted = known.find((section) => section.id === `section-${location.hash.slice(1)}`) || known[0];
  const name = wanted.id.replace("section-", "");
  for (const section of known) section.hidden = section !== wanted;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (opened[name]) opened[name]().catch((error) => notify(error.message));
}

// --- requests ---

const open = new Set();
let source;
let held = [];
let first = true;

const endpointText = (request) =>
  request.shape === request.endpoint || !request.endpoint
    ? request.shape
    : `${request.shape} → ${request.endpoint}`;

const modelText = (request) =>
  request.model_sent && request.model_sent !== request.model_asked
    ? `${request.model_asked} → ${request.model_sent}`
    : request.model_asked;

const tokensText = (request) =>
  request.input_tokens === null && request.output_tokens === null
    ? ""
    : `${request.input_tokens ?? "?"} / ${request.output_tokens ?? "?"}`;

function cell(label, content, kind = "") {
  const className = content === "" ? `${kind} blank` : kind;
  return make("td", { className, dataset: { label } }, content);
}

function details(request) {
  const evidence = make("ol", { className: "evidence" });
  for (const piece of request.pieces) {
    const where = piece.shapes.length ? ` → ${piece.shapes.join(", ")}` : "";
    evidence.append(make("li", {}, make("b", {}, piece.source), `: ${piece.detail}${where}`));
  }
  return definitions([
    ["Request id", request.request_id],
    ["Status", request.status ? String(request.status) : "no reply"],
    ["Reason", request.reason],
    ["Address", request.address],
    ["Resolved by", request.resolved_by],
    ["Evidence", request.pieces.length ? evidence : ""],
    ["Report", request.report],
    ["Warning", request.warnings],
    ["Worker", String(request.worker)],
  ]);
}

function rows(request) {
  const id = `${request.worker}-${request.number}`;
  const detail = make("tr", { className: "detail", id: `d-${id}`, hidden: true },
    make("td", { colSpan: 10 }));
  const more = make("button", {
    className: "more", type: "button",
    attributes: { "aria-expanded": "false", "aria-controls": detail.id, "aria-label": "Details" },
  });
  const outcome = make("span", {}, badge(request.outcome, TONES[request.outcome] || "calm"),
    request.reason ? ` ${request.reason}` : "");
  const entry = make("tr", { className: first ? "entry" : "entry new" },
    make("td", { className: "time", dataset: { label: "Time" } },
      make("span", {}, more, clock(request.time))),
    cell("Outcome", outcome), cell("Model", modelText(request), "name"),
    cell("Client", request.client, "short"), cell("Upstream", request.upstream, "short"),
    cell("Endpoint", endpointText(request), "short"),
    cell("Tries", request.attempts ? String(request.attempts) : "", "number"),
    cell("First byte", milliseconds(request.first_byte_ms), "number"),
    cell("Total", milliseconds(request.ms), "number"),
    cell("Tokens", tokensText(request), "number"));
  const toggle = (show) => {
    if (show && !detail.firstChild.firstChild) detail.firstChild.append(details(request));
    detail.hidden = !show;
    entry.classList.toggle("open", show);
    more.setAttribute("aria-expanded", String(show));
    if (show) open.add(id); else open.delete(id);
  };
  entry.addEventListener("click", () => { if (!String(getSelection())) toggle(detail.hidden); });
  if (open.has(id)) toggle(true);
  return [entry, detail];
}

function showRequests(requests) {
  const body = document.querySelector("#request-table tbody");
  body.prepend(...requests.flatMap(rows));
  first = false;
  while (body.rows.length > 2 * MAX_ROWS) body.lastElementChild.remove();
  const shown = body.rows.length / 2;
  byId("no-requests").hidden = shown > 0;
  byId("count").textContent = shown ? `${shown} shown` : "";
}

const paused = () => byId("pause").getAttribute("aria-pressed") === "true";

function togglePause() {
  const pause = !paused();
  byId("pause").setAttribute("aria-pressed", String(pause));
  byId("pause").textContent = pause ? "Resume" : "Pause";
  if (!pause) {
    showRequests(held);
    held = [];
  }
}

// --- upstreams ---

function health(upstream) {
  if (!upstream.requests) return badge("no recent requests", "calm");
  if (!upstream.failed) return badge("healthy", "good");
  return upstream.failed === upstream.requests ? badge("failing", "bad") : badge("partly failing", "warn");
}

function addressItem(address) {
  const left = address.workers - address.up;
  const text = left === 0 ? "" : left === address.workers ? "left out" : `left out by ${left} workers`;
  const failures = address.failures ? ` · ${address.failures} failures, last: ${address.reason}` : "";
  return make("li", {},
    make("span", { className: "mono" }, address.address), " ",
    text ? badge(text, "bad") : "",
    make("small", {}, ` ${address.in_flight} in flight${failures}`));
}

function upstreamCard(upstream) {
  const slots = make("meter", {
    min: 0, max: upstream.max_connections, value: upstream.in_flight ?? 0,
    attributes: { "aria-label": `Slots of ${upstream.name}` },
  });
  const reasons = Object.entries(upstream.reasons).map(([reason, count]) => `${reason} × ${count}`);
  return make("article", { className: "card" },
    make("h3", {}, make("span", {}, upstream.name), health(upstream)),
    make("ul", { className: "addresses" }, ...upstream.addresses.map(addressItem)),
    slots,
    definitions([
      ["In flight", `${upstream.in_flight} of ${upstream.max_connections}`],
      ["Queued", String(upstream.queued)],
      ["Idle connections", upstream.idle === null ? "unknown" : String(upstream.idle)],
      ["Requests", upstream.requests ? `${upstream.requests}, ${upstream.failed} failed` : ""],
      ["Failures", reasons.join(", ")],
      ["Kind", upstream.kind],
      ["Credential", upstream.credential],
    ]));
}

let learnedVersion = null;

function showState(state) {
  const { answering, of } = state.workers;
  byId("workers").textContent = of > 1 ? `· ${answering} of ${of} workers` : "";
  const sockets = Object.entries(state.sockets).map(([kind, count]) => `${count} ${kind}`);
  byId("sockets").textContent = `Open WebSockets: ${sockets.join(", ")}`;
  byId("sockets").hidden = sockets.length === 0;
  byId("upstream-cards").replaceChildren(...state.upstreams.map(upstreamCard));
  if (learnedVersion !== state.learned && !byId("section-learned").hidden) {
    showLearned().catch((error) => notify(error.message));
  }
  learnedVersion = state.learned;
}

// --- learned endpoints ---

const learnedRows = new Map();
let learnedAsked = 0;

async function forget(entry) {
  const { forgotten } = await post("forget", { upstream: entry.upstream, model: entry.model });
  notify(forgotten ? `Forgotten: ${entry.model}` : "Already forgotten.");
  await showLearned();
}

function learnedRow(entry) {
  const button = make("button", {
    type: "button", className: "small",
    attributes: { "aria-label": `Forget ${entry.model} at ${entry.upstream}` },
  }, "Forget");
  button.addEventListener("click", () => forget(entry).catch((error) => notify(error.message)));
  return make("tr", {}, cell("Model", entry.model, "name"), cell("Upstream", entry.upstream),
    cell("Endpoint", entry.endpoint), cell("For", entry.holds_for),
    cell("Age", ago(entry.age), "number age"), make("td", { className: "number" }, button));
}

// A row that is still true stays where it is: its button may have the focus.
function showLearnedRows(entries) {
  const body = document.querySelector("#learned-table tbody");
  const known = new Map(entries.map((entry) =>
    [JSON.stringify([entry.upstream, entry.model, entry.endpoint, entry.holds_for]), entry]));
  for (const [key, row] of learnedRows) {
    if (known.has(key)) continue;
    row.remove();
    learnedRows.delete(key);
  }
  [...known].forEach(([key, entry], place) => {
    if (!learnedRows.has(key)) learnedRows.set(key, learnedRow(entry));
    const row = learnedRows.get(key);
    row.querySelector(".age").textContent = ago(entry.age);
    if (body.rows[place] !== row) body.insertBefore(row, body.rows[place] ?? null);
  });
}

async function showLearned() {
  const asked = ++learnedAsked;
  const entries = await call("learned");
  // An answer that was overtaken by a later one is older.
  if (asked !== learnedAsked) return;
  showLearnedRows(entries);
  byId("no-learned").hidden = entries.length > 0;
}

// --- forms ---

function onSubmit(formId, resultId, answer) {
  byId(formId).addEventListener("submit", async (event) => {
    event.preventDefault();
    const result = byId(resultId);
    try {
      result.replaceChildren(await answer(new FormData(event.target)));
    } catch (error) {
      result.replaceChildren(make("p", { className: "error" }, error.message));
    }
  });
}

async function resolveModel(form) {
  const query = new URLSearchParams(form);
  query.delete("key");
  const headers = form.get("key") ? { authorization: `Bearer ${form.get("key")}` } : {};
  const route = await call(`resolve?${query}`, { headers });
  const table = make("table", {}, make("thead", {}, make("tr", {},
    ...["", "Source", "Endpoints", "Evidence"].map((name) => make("th", { scope: "col" }, name)))));
  const body = make("tbody");
  for (const piece of route.evidence) {
    body.append(make("tr", {}, make("td", {}, piece.decides ? badge("decides", "good") : ""),
      make("td", {}, piece.source), make("td", { className: "mono" }, piece.endpoints.join(", ") || "–"),
      make("td", {}, piece.detail)));
  }
  table.append(body);
  return make("div", {},
    definitions([
      ["Route", `${route.model} → ${route.upstream} ${route.endpoint}`],
      ["Sent as", route.model_sent === route.model ? "" : route.model_sent],
      ["Translated", route.translated ? "yes" : "no"],
      ["Resolved by", route.resolved_by],
      ["Kind", route.kind],
      ["Shutdown date", route.retired],
      ["Replacement", route.replacement],
      ["Quirks", route.quirks.join(", ")],
    ]),
    make("div", { className: "scroll" }, table));
}

async function translateRequest(form) {
  const result = await post("translate", Object.fromEntries(form));
  const report = (name) => result.report[name].join(", ");
  return make("div", {},
    definitions([
      ["Upstream", result.upstream], ["From", result.report.from], ["Body", result.report.body],
      ["To", result.report.to],
      ["Dropped", report("dropped")], ["Changed", report("changed")], ["Emulated", report("emulated")],
    ]),
    ...result.calls.flatMap((each) => [
      make("h3", { className: "mono" }, `POST ${each.path}`),
      make("pre", { className: "card", tabIndex: 0 }, JSON.stringify(each.body, null, 2)),
    ]),
    result.local_reply
      ? make("pre", { className: "card", tabIndex: 0 }, JSON.stringify(result.local_reply, null, 2))
      : null);
}

// --- configuration ---

async function reload() {
  const result = byId("reload-result");
  result.className = "";
  result.textContent = "Reloading …";
  const reply = await fetch("reload", { method: "POST" });
  const { reloaded, message, error } = await reply.json();
  result.className = reloaded ? "" : "error";
  result.textContent = message ?? error.message;
  if (reloaded) await opened.configuration();
}

// --- live ---

function showLive(state, text) {
  byId("live").className = `dot ${state}`;
  byId("live-text").textContent = text;
}

function connect() {
  if (source) source.close();
  source = new EventSource(`live?${new URLSearchParams(new FormData(byId("filter")))}`);
  source.addEventListener("open", () => {
    document.querySelector("#request-table tbody").replaceChildren();
    held = [];
    first = true;
    showLive("on", "live");
  });
  source.addEventListener("error", () => {
    showLive("off", "not connected");
    // A browser does not try again after a refusal: the cookie has expired, or too many pages.
    if (source.readyState === EventSource.CLOSED) setTimeout(retry, 3000);
  });
  source.addEventListener("requests", (event) => {
    const requests = JSON.parse(event.data);
    if (paused()) held = [...requests, ...held].slice(0, MAX_ROWS);
    else showRequests(requests);
  });
  source.addEventListener("state", (event) => showState(JSON.parse(event.data)));
}

const retry = () => call("upstreams").then(connect).catch(() => setTimeout(retry, 3000));

if (byId("login")) {
  // A link from another site brings no cookie along (SameSite=Strict); the page itself does.
  fetch("upstreams").then((reply) => { if (reply.ok) location.replace("./"); });
} else {
  let typing;
  byId("filter").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(connect, 300); });
  byId("filter").addEventListener("submit", (event) => { event.preventDefault(); connect(); });
  byId("pause").addEventListener("click", togglePause);
  byId("reload").addEventListener("click", () => reload().catch((error) => notify(error.message)));
  onSubmit("resolve-form", "resolve-result", resolveModel);
  onSubmit("translate-form", "translate-result", translateRequest);
  addEventListener("hashchange", openSection);
  openSection();
  connect();
}

// SPDX-License-Identifier: Apache-2.0
//
// The conversation: what was said, sent whole with each question, and the answer as it streams in.
import { call, events } from "./api.js";

const byId = (id) => document.getElementById(id);
const list = byId("messages");

let conversation = [];
let running = null;  // AbortController of the answer that streams in

// Follows the text only for readers who are at its end.
function keepAtEnd(change) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  change();
  if (atEnd) list.scrollTop = list.scrollHeight;
}

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function addMessage(who, text) {
  const message = element("div", `message ${who}`);
  const shown = { text: element("span", "text", text), figures: element("span", "figures") };
  message.append(element("span", "who", who === "user" ? "You" : "Model"), shown.text, shown.figures);
  byId("empty").hidden = true;
  keepAtEnd(() => list.append(message));
  shown.message = message;
  return shown;
}

function showThought(shown, text) {
  if (!shown.thought) {
    const details = element("details", "thought");
    details.append(element("summary", "", "Thinking"), shown.thought = element("span", ""));
    shown.message.insertBefore(details, shown.text);
  }
  shown.thought.textContent += text;
}

function settings() {
  const body = { stream: true, stream_options: { include_usage: true } };
  const temperature = byId("temperature").value;
  const maxTokens = byId("max-tokens").value;
  if (temperature !== "") body.temperature = Number(temperature);
  if (maxTokens !== "") body.max_completion_tokens = Number(maxTokens);
  body.chat_template_kwargs = { enable_thinking: byId("thinking").checked };
  const system = byId("system").value.trim();
  body.messages = system ? [{ role: "system", content: system }, ...conversation] : conversation;
  return body;
}

function figures(begin, first, usage) {
  if (!usage || first === null) return "";
  const seconds = (performance.now() - first) / 1000;
  const cached = usage.prompt_tokens_details?.cached_tokens || 0;
  const parts = [`first token ${Math.round(first - begin)} ms`];
  if (usage.completion_tokens > 1) {
    parts.push(`${((usage.completion_tokens - 1) / Math.max(seconds, 1e-3)).toFixed(1)} tokens/s`);
  }
  parts.push(`${usage.prompt_tokens} in${cached ? ` (${cached} cached)` : ""}`,
             `${usage.completion_tokens} out`);
  return parts.join(" · ");
}

async function answer(shown, signal) {
  const begin = performance.now();
  let first = null;
  let usage = null;
  const response = await call("v1/chat/completions", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(settings()),
    signal,
  });
  for await (const event of events(response)) {
    if (event.error) throw new Error(event.error.message);
    usage = event.usage || usage;
    const delta = event.choices?.[0]?.delta || {};
    if (delta.content || delta.reasoning_content) first ??= performance.now();
    keepAtEnd(() => {
      if (delta.reasoning_content) showThought(shown, delta.reasoning_content);
      if (delta.content) shown.text.textContent += delta.content;
    });
  }
  keepAtEnd(() => { shown.figures.textContent = figures(begin, first, usage); });
}

function setRunning(controller) {
  running = controller;
  byId("send").disabled = controller !== null;
  byId("stop").hidden = controller === null;
}

async function send(question) {
  conversation.push({ role: "user", content: question });
  addMessage("user", question);
  const shown = addMessage("assistant", "");
  const asked = conversation;
  const controller = new AbortController();
  setRunning(controller);
  try {
    await answer(shown, controller.signal);
  } catch (error) {
    if (error.name !== "AbortError") {
      shown.text.classList.add("failed");
      shown.text.textContent += `${shown.text.textContent ? "\n" : ""}${error.message}`;
      asked.pop();
      return;
    }
    shown.figures.textContent = "stopped";
  } finally {
    if (running === controller) setRunning(null);
  }
  asked.push({ role: "assistant", content: shown.text.textContent });
}

export function startChat() {
  const question = byId("question");
  byId("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = question.value.trim();
    if (!text || running) return;
    question.value = "";
    send(text);
  });
  question.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    byId("ask").requestSubmit();
  });
  byId("stop").addEventListener("click", () => running?.abort());
  byId("clear").addEventListener("click", () => {
    running?.abort();
    conversation = [];
    list.querySelectorAll(".message").forEach((message) => message.remove());
    byId("empty").hidden = false;
    question.focus();
  });
}

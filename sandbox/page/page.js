// The chat page: who looks, at which conversation, and what they do there.

import * as api from "./api.js";
import { composer } from "./compose.js";
import { about, drawConversations, markSeen, unreadIn } from "./conversations.js";
import { FAILED, arrange, drawMessage, make, outcome, rootOf } from "./messages.js";

const PATIENCE = 15_000;
const TYPING_LASTS = 8_000;
const TROUBLE_PAUSE = 1_000;
const HIDDEN_PAUSE = 2_000;
const LONG_WAIT = 25;

const at = (id) => document.getElementById(id);
const state = { people: [], clients: {}, conversations: [], messages: new Map(), person: "", conversation: "", theme: "light", typing: 0, visit: 0 };

function query(changes = {}) {
  const { person, conversation, theme } = { ...state, ...changes };
  return `?${new URLSearchParams({ person, conversation, theme })}`;
}

function current() {
  return state.conversations.find(({ id }) => id === state.conversation);
}

function nameOf(key) {
  return state.people.find((person) => person.key === key)?.name ?? key;
}

function trouble(words) {
  at("trouble").textContent = words;
}

// Drawing

function drawNav() {
  let total = 0;
  drawConversations(at("conversations"), state.conversations, (conversation) => {
    const isCurrent = conversation.id === state.conversation;
    const unread = isCurrent ? 0 : unreadIn(state.person, conversation.id, state.messages.get(conversation.id) ?? []);
    total += unread;
    return { isCurrent, unread, href: query({ conversation: conversation.id }) };
  });
  document.title = `${total ? `(${total}) ` : ""}${current()?.name ?? ""} – ${nameOf(state.person)} – Dealdesk sandbox`;
}

function drawHead() {
  const conversation = current();
  at("title").textContent = conversation ? conversation.name : "No conversation";
  at("about").textContent = conversation ? about(conversation, nameOf) : "";
  at("person").value = state.person;
  drawLanguage();
  at("theme").setAttribute("aria-pressed", String(state.theme === "dark"));
  document.documentElement.dataset.theme = state.theme;
}

function drawLanguage() {
  const locale = state.clients[state.person]?.locale ?? "en-US";
  const select = at("language");
  if (![...select.options].some(({ value }) => value === locale)) select.append(make("option", { value: locale }, locale));
  select.value = locale;
}

function drawCompose() {
  const conversation = current();
  const form = at("compose");
  form.hidden = !conversation;
  const key = JSON.stringify([state.person, state.conversation]);
  if (!conversation || form.dataset.key === key) return;
  form.dataset.key = key;
  const isChannel = conversation.kind === "channel";
  const box = composer({
    id: "compose",
    label: isChannel ? "Start a new conversation" : "Type a message",
    mentionable: conversation.kind !== "personal",
    onSend: (text, mention) => send(text, mention, null),
  });
  form.replaceChildren(box.form);
  form.onsubmit = (event) => { event.preventDefault(); box.send(); };
}

function item(message) {
  const view = { person: state.person, theme: state.theme, onPress };
  return {
    key: message.id,
    signature: JSON.stringify([message, state.theme, state.person]),
    draw: () => make("li", {}, drawMessage(message, view)),
  };
}

function drawThread(root) {
  const box = composer({
    id: `reply-${root}`, label: "Reply in this thread", mentionable: true,
    onSend: (text, mention) => send(text, mention, root),
  });
  const form = make("form", { autocomplete: "off" }, box.form);
  form.addEventListener("submit", (event) => { event.preventDefault(); box.send(); });
  return make("li", { class: "thread", "data-thread": root },
    make("ol", { class: "first" }), make("ol", { class: "replies" }), make("details", {}, make("summary", {}, "Reply"), form));
}

function drawThreads(list, messages) {
  const roots = [...new Set(messages.map(rootOf))];
  arrange(list, roots.map((root) => ({ key: root, signature: state.person, draw: () => drawThread(root) })));
  for (const thread of list.children) {
    const root = thread.dataset.thread;
    arrange(thread.querySelector(".first"), messages.filter(({ id }) => id === root).map(item));
    arrange(thread.querySelector(".replies"), messages.filter((message) => message.id !== root && rootOf(message) === root).map(item));
  }
}

function drawMessages({ toEnd = false } = {}) {
  const log = at("messages");
  const list = log.querySelector("ol");
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  const messages = state.messages.get(state.conversation) ?? [];
  log.querySelector(".empty").hidden = messages.length > 0;
  log.querySelector(".earlier").hidden = messages.length < api.SHOWN;
  if (current()?.kind === "channel") drawThreads(list, messages);
  else arrange(list, messages.map(item));
  if (toEnd || isAtEnd) log.scrollTop = log.scrollHeight;
  if (!document.hidden) markSeen(state.person, state.conversation, messages);
  drawNav();
}

function drawAll() {
  drawHead();
  drawCompose();
  drawMessages({ toEnd: true });
}

function showTyping(isTyping) {
  clearTimeout(state.typing);
  at("typing").textContent = isTyping ? "Dealdesk is typing…" : "";
  if (isTyping) state.typing = setTimeout(() => showTyping(false), TYPING_LASTS);
}

// Doing

async function send(text, mention, thread) {
  trouble("");
  const { person, conversation } = state;
  try {
    const { statuses } = await api.say({ person, conversation, thread, text, mention });
    const bad = statuses.find((status) => status === null || status >= 400);
    if (bad !== undefined) trouble(`Dealdesk did not take the message (${bad ?? "no answer"}).`);
  } catch (problem) {
    trouble(`The message was not sent. ${problem.message}`);
    return false;
  }
  await load([conversation], { toEnd: !thread });
  return true;
}

function wait(card, button, isWaiting) {
  button?.classList.toggle("pressed", isWaiting);
  card.classList.toggle("waiting", isWaiting);
  card.setAttribute("aria-busy", String(isWaiting));
  card.inert = isWaiting;
}

function isFailed({ status, answer }) {
  return status === null || status >= 400 || (answer?.statusCode ?? 200) >= 400;
}

async function onPress(message, pressed, card) {
  if (card.classList.contains("waiting")) return;
  for (const old of card.parentElement.querySelectorAll(":scope > .outcome")) old.remove();
  const hadFocus = card.contains(document.activeElement);
  wait(card, pressed.button, true);
  const { person } = state;
  const press = {
    person, conversation: message.conversation, message: message.id,
    title: pressed.title || undefined, verb: pressed.verb || undefined, data: pressed.data, inputs: pressed.inputs,
  };
  const result = await Promise.race([
    api.click(press).catch((problem) => ({ status: problem.status ?? 500 })),
    pause(PATIENCE).then(() => ({ status: 504 })),
  ]);
  wait(card, pressed.button, false);
  if (person !== state.person) return;
  await load([message.conversation]);
  if (isFailed(result) && card.isConnected) card.after(outcome(FAILED, true));
  if (hadFocus && document.activeElement === document.body) focusAgain(message, pressed.button);
}

// A waiting card gives up the focus; afterwards it goes to the button, or to what took the card's place.
function focusAgain(message, button) {
  const place = button?.isConnected ? button : document.querySelector(`[data-message="${CSS.escape(message.id)}"]`);
  place?.focus({ preventScroll: true });
}

// What their Teams speaks is told with everything they say and press from now on.
async function speak(locale) {
  try {
    state.clients = await api.clients({ locale: { [state.person]: locale } });
    trouble("");
  } catch (problem) {
    trouble(`The language was not changed. ${problem.message}`);
  }
  drawLanguage();
  look();
}

// Loading

async function load(conversations, options) {
  const { person, visit } = state;
  const wanted = conversations.filter((id) => state.conversations.some((conversation) => conversation.id === id));
  const lists = await Promise.all(wanted.map((id) => api.messages(person, id)));
  if (visit !== state.visit) return;
  wanted.forEach((id, index) => state.messages.set(id, lists[index]));
  drawMessages(options);
}

// While another person's conversations load there is no box to type into: it would speak in the old one.
async function visit(changes, { remember = true } = {}) {
  if ((changes.person ?? state.person) !== state.person) at("compose").hidden = true;
  Object.assign(state, changes);
  const mine = state.visit += 1;
  const [conversations, clients] = await Promise.all([api.conversations(state.person), api.clients()]);
  const lists = await Promise.all(conversations.map(({ id }) => api.messages(state.person, id)));
  if (mine !== state.visit) return;
  Object.assign(state, { conversations, clients });
  state.messages = new Map(conversations.map(({ id }, index) => [id, lists[index]]));
  const personal = conversations.find(({ kind }) => kind === "personal") ?? conversations[0];
  if (!current()) state.conversation = personal?.id ?? "";
  if (remember) history.pushState(null, "", query());
  else history.replaceState(null, "", query());
  trouble("");
  showTyping(false);
  drawAll();
  look();
}

// Opening a conversation refreshes the cards in it that ask for it.
function look() {
  if (!document.hidden && state.conversation) {
    api.look({ person: state.person, conversation: state.conversation }).catch((problem) => trouble(problem.message));
  }
}

function fromAddress() {
  const given = new URLSearchParams(location.search);
  const wish = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const person = given.get("person");
  return {
    person: state.people.some(({ key }) => key === person) ? person : state.people[0].key,
    conversation: given.get("conversation") ?? "",
    theme: ["light", "dark", "contrast"].includes(given.get("theme")) ? given.get("theme") : wish,
  };
}

async function hear(events) {
  const here = events.filter(({ conversation }) => conversation.split(";")[0] === state.conversation);
  if (events.some(({ kind }) => kind === "reset" || kind === "install")) await visit({}, { remember: false });
  for (const { kind, by_bot: byBot } of here) if (byBot || kind === "typing") showTyping(kind === "typing");
  const touched = new Set(events.filter(({ kind }) => kind !== "typing").map(({ conversation }) => conversation.split(";")[0]));
  if (touched.size) await load([...touched]);
  if (here.some(({ kind }) => kind === "message" || kind === "update")) look();
}

function pause(milliseconds) {
  return new Promise((resolve) => { setTimeout(resolve, milliseconds); });
}

async function listen() {
  let after;
  for (;;) {
    try {
      if (after === undefined) {
        after = (await api.eventsUntilNow()).last;
        await visit({}, { remember: false });
      }
      // A hidden tab asks now and then: a browser opens few connections, and each waiting tab holds one.
      if (document.hidden) await pause(HIDDEN_PAUSE);
      const { events, last } = await api.eventsAfter(after, document.hidden ? 0 : LONG_WAIT);
      // All that happened is told, unless the sandbox began anew or has forgotten some of it.
      if (events.length !== last - after) await visit({}, { remember: false });
      else await hear(events.filter(({ people }) => people.includes(state.person)));
      after = last;
    } catch (problem) {
      after = undefined;
      trouble(`The sandbox does not answer. Trying again… (${problem.message})`);
      await pause(TROUBLE_PAUSE);
    }
  }
}

function openMenu(isOpen) {
  if (!isOpen && at("conversations").contains(document.activeElement)) at("menu").focus();
  at("conversations").classList.toggle("open", isOpen);
  at("menu").setAttribute("aria-expanded", String(isOpen));
}

function wire() {
  at("person").addEventListener("change", (event) => visit({ person: event.target.value }));
  at("language").addEventListener("change", (event) => speak(event.target.value));
  at("theme").addEventListener("click", () => visit({ theme: state.theme === "dark" ? "light" : "dark" }));
  at("menu").addEventListener("click", () => openMenu(!at("conversations").classList.contains("open")));
  at("conversations").addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-conversation]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    openMenu(false);
    await visit({ conversation: link.dataset.conversation });
    at("compose-text").focus();
  });
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    at("compose-text").focus();
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") openMenu(false); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) drawMessages(); });
  addEventListener("popstate", () => visit(fromAddress(), { remember: false }));
}

async function start() {
  state.people = await api.people();
  at("person").replaceChildren(...state.people.map(({ key, name, title }) => make("option", { value: key }, `${name} (${title})`)));
  Object.assign(state, fromAddress());
  wire();
  await listen();
}

start().catch((problem) => trouble(`The page could not start. ${problem.message}`));

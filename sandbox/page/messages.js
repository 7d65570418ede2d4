// Turns messages into elements: who, when, what they said, cards, sign-in cards and marks.

import { drawCard } from "./card.js";
import { plainToHtml, toHtml } from "./markdown.js";

// What Teams shows under a card when the answer to a press is of no use.
export const FAILED = "Something went wrong. Please try again.";

const ADAPTIVE = "application/vnd.microsoft.card.adaptive";
const SIGN_IN = ["application/vnd.microsoft.card.oauth", "application/vnd.microsoft.card.signin"];
const TYPED = "text/html";
const AVATAR_INKS = ["#8a3b12", "#0b5f6b", "#6b2f7a", "#2f5d1e", "#7a2f48", "#34497a"];

export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function initials(name) {
  return name.split(/\s+/).map((word) => word[0]).slice(0, 2).join("").toUpperCase();
}

function ink(name) {
  const sum = [...name].reduce((total, sign) => total + sign.codePointAt(0), 0);
  return AVATAR_INKS[sum % AVATAR_INKS.length];
}

function clockTime(at) {
  const moment = new Date(at);
  const isToday = moment.toDateString() === new Date().toDateString();
  const day = isToday ? {} : { day: "numeric", month: "short", year: "numeric" };
  return moment.toLocaleString([], { ...day, hour: "2-digit", minute: "2-digit" });
}

function byline(message) {
  const marks = [
    message.updated > 0 && !message.deleted && "Edited",
    message.own_view && "Your own view",
    message.only_for && "Only you can see this",
  ].filter(Boolean);
  return make("div", { class: "byline" },
    make("span", { class: "name" }, message.from_name),
    make("time", { datetime: message.at, title: new Date(message.at).toLocaleString() }, clockTime(message.at)),
    ...marks.map((mark) => make("span", { class: "mark" }, mark)));
}

function said(message) {
  if (message.deleted) return make("div", { class: "said" }, "This message has been deleted.");
  if (!message.text) return null;
  const element = make("div", { class: "said" });
  element.innerHTML = message.from === "bot" ? toHtml(message.text) : plainToHtml(message.text.trim());
  return element;
}

function card(attachment, view) {
  const { element } = drawCard(attachment.content, {
    theme: view.theme,
    onPress: (pressed) => view.onPress(view.message, pressed, element),
  });
  element.classList.toggle("full", attachment.content?.msteams?.width === "Full");
  element.setAttribute("role", "group");
  if (!element.hasAttribute("aria-label")) element.setAttribute("aria-label", "Card");
  return element;
}

function signIn(attachment) {
  const content = attachment.content ?? {};
  const links = (content.buttons ?? []).filter((button) => /^https?:\/\//i.test(button.value ?? ""));
  return make("div", { class: "sign-in", role: "group", "aria-label": "Sign-in card" },
    make("p", {}, content.text ?? ""),
    ...links.map((button) => make("a", { href: button.value, target: "_blank", rel: "noopener" },
      `${button.title ?? "Sign in"} (opens a new tab)`)));
}

function attached(attachment, view) {
  if (attachment.contentType === TYPED) return null;
  if (SIGN_IN.includes(attachment.contentType)) return signIn(attachment);
  if (attachment.contentType === ADAPTIVE) return card(attachment, view);
  return make("p", { class: "outcome failed" }, `The sandbox does not draw ${attachment.contentType}.`);
}

export function outcome(text, failed) {
  return make("p", { class: failed ? "outcome failed" : "outcome", role: failed ? "alert" : "status" }, text);
}

// view: { person, theme, onPress(message, pressed, cardElement) }
export function drawMessage(message, view) {
  const byBot = message.from === "bot";
  const kinds = ["message", byBot && "bot", message.from === view.person && "own", message.deleted && "deleted"];
  const avatar = make("span", { class: "avatar", "aria-hidden": "true" }, initials(message.from_name));
  if (!byBot) avatar.style.background = ink(message.from_name);
  const body = make("div", { class: "bubble" }, said(message),
    ...message.attachments.map((attachment) => attached(attachment, { ...view, message })),
    message.notice ? outcome(message.notice, message.notice === FAILED) : null);
  return make("article", {
    class: kinds.filter(Boolean).join(" "), tabindex: "-1", "data-message": message.id, "data-from": message.from,
    "aria-label": `${message.from_name}, ${clockTime(message.at)}`,
  }, avatar, byline(message), body);
}

export function rootOf(message) {
  return message.thread || message.id;
}

// Puts `items` (elements with a data-key) into `list` in order, reusing those that did not change.
export function arrange(list, items) {
  const before = new Map([...list.children].map((child) => [child.dataset.key, child]));
  const wanted = items.map(({ key, signature, draw }) => {
    const old = before.get(key);
    if (old?.dataset.signature === signature) return old;
    const fresh = draw(old);
    fresh.dataset.key = key;
    fresh.dataset.signature = signature;
    if (old?.contains(document.activeElement)) fresh.dataset.focus = "yes";
    return fresh;
  });
  const kept = new Set(wanted);
  for (const child of [...list.children]) if (!kept.has(child)) child.remove();
  wanted.forEach((child, index) => {
    if (list.children[index] !== child) list.insertBefore(child, list.children[index] ?? null);
    if (child.dataset.focus) {
      delete child.dataset.focus;
      (child.matches("article") ? child : child.querySelector("article"))?.focus({ preventScroll: true });
    }
  });
}

// The list of conversations, with what a person has not read yet.

import { make } from "./messages.js";

const SEEN = "dealdesk-sandbox-seen";

function seenOf(person) {
  try {
    return JSON.parse(localStorage.getItem(`${SEEN}:${person}`)) ?? {};
  } catch {
    return {};
  }
}

export function markSeen(person, conversation, messages) {
  const last = messages.at(-1);
  if (!last) return;
  localStorage.setItem(`${SEEN}:${person}`, JSON.stringify({ ...seenOf(person), [conversation]: last.at }));
}

export function unreadIn(person, conversation, messages) {
  const seen = seenOf(person)[conversation] ?? "";
  return messages.filter((message) => message.from !== person && !message.deleted && message.at > seen).length;
}

function entry(conversation, { isCurrent, unread, href }) {
  const label = conversation.kind === "channel" ? `# ${conversation.name}` : conversation.name;
  const count = unread ? make("span", { class: "count" }, String(unread),
    make("span", { class: "hidden-words" }, " unread")) : null;
  return make("li", {}, make("a", {
    href, "data-conversation": conversation.id, class: unread ? "unread" : null, "aria-current": isCurrent ? "page" : null,
  }, make("span", { class: "name" }, label), count));
}

// factsOf(conversation) gives { isCurrent, unread, href }.
export function drawConversations(nav, conversations, factsOf) {
  const groups = new Map([["Chat", []]]);
  for (const conversation of conversations) {
    const group = conversation.team ? `Team ${conversation.team}` : "Chat";
    groups.set(group, [...(groups.get(group) ?? []), conversation]);
  }
  nav.replaceChildren(...[...groups].filter(([, list]) => list.length).flatMap(([group, list]) => [
    make("h2", {}, group), make("ul", {}, ...list.map((conversation) => entry(conversation, factsOf(conversation)))),
  ]));
}

export function about(conversation, nameOf) {
  if (conversation.kind === "personal") return "Personal chat with the bot";
  const names = (conversation.members ?? []).map(nameOf).join(", ");
  if (conversation.kind === "groupChat") return `Group chat: ${names}`;
  return `Channel of ${conversation.team}: ${names}`;
}

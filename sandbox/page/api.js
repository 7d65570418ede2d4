// The sandbox's own routes, as the page uses them.

const BASE = "_sandbox/teams/";

export class Refused extends Error {
  constructor(status, words) {
    super(words || `The sandbox answered ${status}.`);
    this.status = status;
  }
}

async function call(path, { query, body, signal } = {}) {
  const address = BASE + path + (query ? `?${new URLSearchParams(query)}` : "");
  const options = body === undefined ? { signal } : {
    signal, method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  };
  const answer = await fetch(address, options);
  const text = await answer.text();
  if (!answer.ok) throw new Refused(answer.status, text.slice(0, 300));
  return text ? JSON.parse(text) : null;
}

export const people = () => call("people");
export const conversations = (person) => call("conversations", { query: { person } });
export const messages = (person, conversation) => call("messages", { query: { person, conversation } });
export const events = (after, person, signal) => call("events", { query: { after, person }, signal });
export const say = (message) => call("say", { body: message });
export const click = (press) => call("click", { body: press });
export const look = (where) => call("look", { body: where });

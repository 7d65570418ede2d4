// The sandbox's own routes, as the page uses them.

const BASE = "_sandbox/";
// Messages of a conversation that are shown, the latest: every change of one asks for all of them again.
export const SHOWN = 200;

export class Refused extends Error {
  constructor(status, words) {
    super(words || `The sandbox answered ${status}.`);
    this.status = status;
  }
}

async function call(path, { query, body } = {}) {
  const address = BASE + path + (query ? `?${new URLSearchParams(query)}` : "");
  const options = body === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  };
  const answer = await fetch(address, options);
  const text = await answer.text();
  if (!answer.ok) throw new Refused(answer.status, text.slice(0, 300));
  return text ? JSON.parse(text) : null;
}

export const people = () => call("entra/people");
export const conversations = (person) => call("teams/conversations", { query: { person } });
export const messages = (person, conversation) => call("teams/messages", { query: { person, conversation, last: SHOWN } });
export const eventsUntilNow = () => call("events", { query: { wait: 0 } });
export const eventsAfter = (after, wait) => call("events", { query: { after, wait } });
export const say = (message) => call("teams/say", { body: message });
export const click = (press) => call("teams/click", { body: press });
// How each person's Teams behaves; what is given is changed first.
export const clients = async (changes = {}) => (await call("teams/switches", { body: changes })).people;
export const look = (where) => call("teams/look", { body: where });

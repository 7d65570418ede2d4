// The box a person types in, for a conversation or for a reply in a thread.

import { make } from "./messages.js";

const HINT = "Enter sends, Shift+Enter starts a new line.";

// Returns a form's content; onSend(text, mention) is called with what was typed.
export function composer({ id, label, mentionable, onSend }) {
  const text = make("textarea", { id: `${id}-text`, rows: "1", title: HINT, maxlength: "20000" });
  const mention = make("input", { type: "checkbox", id: `${id}-mention` });
  mention.checked = true;
  const form = make("div", { class: "compose" },
    mentionable ? make("div", { class: "mentioning" }, mention, make("label", { for: mention.id }, "Mention @Dealdesk")) : null,
    make("div", { class: "box" }, make("label", { for: text.id }, label), text),
    make("button", { type: "submit" }, "Send"));
  const send = async () => {
    const typed = text.value;
    if (!typed.trim()) return;
    text.value = "";
    const isSent = await onSend(typed.trim(), mentionable && mention.checked);
    if (!isSent && !text.value) text.value = typed;
  };
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
  return { form, send };
}

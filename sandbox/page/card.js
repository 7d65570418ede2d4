// Draws one Adaptive Card and says what is pressed on it.

import { HOST_CONFIGS } from "./host_config.js";
import { toHtml } from "./markdown.js";

const AC = globalThis.AdaptiveCards;

AC.AdaptiveCard.onProcessMarkdown = (text, result) => {
  result.outputHtml = toHtml(text);
  result.didProcess = true;
};
AC.GlobalSettings.useMarkdownInRadioButtonAndCheckbox = false;
AC.GlobalSettings.setTabIndexAtCardRoot = false;

const UNKNOWN = /^Unknown \w+ type "([^"]*)"/;

function objectsIn(value) {
  if (value === null || typeof value !== "object") return [];
  return [value, ...Object.values(value).flatMap(objectsIn)];
}

// What Teams knows and this renderer does not is no fault of a card that brings a fallback for it.
function isExpected(message, json) {
  const type = UNKNOWN.exec(message)?.[1];
  return type !== undefined && objectsIn(json).every((part) => part.type !== type || part.fallback !== undefined);
}

function notesOf(card, context, json) {
  const notes = [];
  for (let index = 0; index < context.eventCount; index += 1) {
    const { message } = context.getEventAt(index);
    if (!isExpected(message, json)) notes.push(message);
  }
  return [...new Set([...notes, ...card.validateProperties().validationEvents.map((event) => event.message)])];
}

// Every input the button sends, empty ones too, so that what a person cleared is told apart from what they left.
function inputsOf(action) {
  const inputs = Object.values(action.getReferencedInputs?.() ?? {});
  return Object.fromEntries(inputs.map((input) => [input.id, String(input.value ?? "")]));
}

function press(action) {
  const source = action.toJSON() ?? {};
  return {
    type: action.getJsonTypeName(),
    title: action.title ?? "",
    verb: action.verb ?? source.data?.verb ?? "",
    data: source.data ?? {},
    inputs: inputsOf(action),
    button: action.renderedElement,
  };
}

function open(address) {
  if (/^https?:\/\//i.test(address ?? "")) window.open(address, "_blank", "noopener");
}

const REFERENCES = ["for", "aria-labelledby", "aria-describedby", "aria-controls", "aria-owns", "aria-activedescendant"];
let drawn = 0;

// Cards know nothing of their neighbours: ids and groups of choices that are unique within each become so on the page.
function separate(element) {
  drawn += 1;
  const renamed = (id) => `card${drawn}-${id}`;
  for (const part of element.querySelectorAll("[id]")) part.id = renamed(part.id);
  for (const part of element.querySelectorAll("[name]")) part.name = renamed(part.name);
  for (const attribute of REFERENCES) {
    for (const part of element.querySelectorAll(`[${attribute}]`)) {
      part.setAttribute(attribute, part.getAttribute(attribute).split(/\s+/).filter(Boolean).map(renamed).join(" "));
    }
  }
}

// Returns { element, notes }: notes are what the renderer complained of.
export function drawCard(json, { theme = "light", onPress = () => {} } = {}) {
  const card = new AC.AdaptiveCard();
  card.hostConfig = new AC.HostConfig(HOST_CONFIGS[theme]);
  card.onExecuteAction = (action) => {
    if (action instanceof AC.OpenUrlAction) open(action.url);
    else if (action instanceof AC.SubmitAction || action instanceof AC.ExecuteAction) onPress(press(action));
  };
  // The renderer's own pattern goes on where it stopped last time, and so refuses every second language.
  AC.CardElement.langProperty.regEx.lastIndex = 0;
  const context = new AC.SerializationContext();
  card.parse(json, context);
  const element = card.render() ?? document.createElement("div");
  element.classList.add("card");
  separate(element);
  return { element, notes: notesOf(card, context, json) };
}

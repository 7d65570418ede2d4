// Hangs many cards below each other and says what is wrong with each.

import { drawCard } from "/card.js";
import { toHtml } from "/markdown.js";
import { badWalk, colours, cutWords, layout, names } from "/gallery/rules.js";

const RULES = { layout, fields: cutWords, names, colours };
// Joins the words of blocks without a space between them, so that no name fits; "names" looks at that instead.
const MISTAKEN = { "label-content-name-mismatch": { enabled: false } };
const AXE = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"], rules: MISTAKEN, elementRef: true };
const FOCUS_WIDTH = 2;

let hung = new Map();
let notes = new Map();
let walk = [];
let arrived = false;

async function hang(cards, theme, language) {
  const root = document.documentElement;
  root.dataset.theme = theme;
  root.lang = language;
  hung = new Map();
  notes = new Map();
  const frames = Object.entries(cards).map(([name, json]) => {
    const { element, notes: said } = drawCard(json, { theme });
    const frame = document.createElement("section");
    frame.append(element);
    hung.set(name, element);
    notes.set(name, said.map((note) => `warning: ${note}`));
    return frame;
  });
  document.querySelector("main").replaceChildren(...frames);
  await document.fonts.ready;
  await Promise.all([...document.images].map((image) => image.complete || new Promise((done) => { image.onload = image.onerror = done; })));
  window.scrollTo(0, 0);
}

function judge(kinds) {
  const found = {};
  for (const [name, card] of hung) found[name] = [...notes.get(name), ...kinds.flatMap((kind) => RULES[kind](card))];
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) found[""] = [`scroll: the page is ${scrollWidth} px wide in ${clientWidth} px`];
  return found;
}

function nameAround(element) {
  return [...hung].find(([, card]) => card.contains(element))?.[0] ?? "";
}

async function accessibility() {
  const { violations } = await axe.run(document.querySelector("main"), AXE);
  const found = {};
  for (const { id, help, nodes } of violations) {
    for (const node of nodes) (found[nameAround(node.element)] ??= []).push(`axe: ${id}: ${help}: ${node.html.slice(0, 120)}`);
  }
  return found;
}

function remember(event) {
  if (arrived) return;
  arrived = event.target.id === "after";
  const style = getComputedStyle(event.target);
  const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= FOCUS_WIDTH;
  walk.push({ element: event.target, ring });
}

// Whoever presses Tab comes from the first of these buttons to the second.
function startWalk() {
  walk = [];
  arrived = false;
  document.addEventListener("focusin", remember);
  document.querySelector("#before").focus();
}

function endWalk() {
  document.removeEventListener("focusin", remember);
  const found = {};
  for (const [name, card] of hung) {
    const steps = walk.filter(({ element }) => card.contains(element));
    const unseen = steps.filter(({ ring }) => !ring).map(({ element }) => `focus: nothing shows that ${element.outerHTML.slice(0, 80)} has it`);
    found[name] = [...badWalk(card, steps.map(({ element }) => element)), ...unseen];
  }
  return found;
}

function sizes() {
  return Object.fromEntries([...hung].map(([name, card]) => [name, Math.ceil(card.getBoundingClientRect().height)]));
}

// Brings a card into sight and says where it is on the page, in CSS pixels.
function show(name) {
  const card = hung.get(name);
  card.scrollIntoView({ block: "start" });
  const { left, top, width, height } = card.getBoundingClientRect();
  return { x: left + window.scrollX, y: top + window.scrollY, width, height };
}

// Before anything is drawn: what was drawn without its letters may keep boxes in their place.
await Promise.allSettled([document.fonts.load("16px Kosugi", "商談")]);

Object.assign(window, {
  hang, judge, accessibility, startWalk, endWalk, sizes, show,
  walked: () => arrived,
  markdown: toHtml,
});

// Draws one card by itself and measures it: what sticks out, what has no name, what is hard to read.

import { drawCard } from "/card.js";
import { toHtml } from "/markdown.js";

const LEAST_CONTRAST = 4.5;
const SLACK = 1;

function named(element) {
  const words = (element.textContent ?? "").trim().replace(/\s+/g, " ").slice(0, 60);
  return `${element.className || element.tagName.toLowerCase()}${words ? ` "${words}"` : ""}`;
}

function isShown(element) {
  return element.getClientRects().length > 0 && getComputedStyle(element).visibility !== "hidden";
}

function overflows(card) {
  const edge = card.getBoundingClientRect();
  const found = [];
  for (const element of [card, ...card.querySelectorAll("*")]) {
    if (!isShown(element) || found.some((outer) => outer.contains(element) && outer !== card)) continue;
    const box = element.getBoundingClientRect();
    const clipped = element.clientWidth > 0 && element.scrollWidth > element.clientWidth + SLACK
      && !["INPUT", "SELECT", "TEXTAREA", "OPTION"].includes(element.tagName);
    if (box.right > edge.right + SLACK || box.left < edge.left - SLACK || clipped) found.push(element);
  }
  return found.map((element) => `overflow: ${named(element)} (${element.scrollWidth} px of content in ${element.clientWidth} px)`);
}

// The renderer lends a placeholder to a nameless input as its name; people are not helped by that.
function nameOf(control) {
  const byId = (control.getAttribute("aria-labelledby") ?? "").split(/\s+/).filter(Boolean)
    .map((id) => document.getElementById(id)?.textContent ?? "");
  const own = control.getAttribute("aria-label");
  const words = [own === control.getAttribute("placeholder") ? "" : own, ...byId, ...[...(control.labels ?? [])].map((label) => label.textContent)];
  return words.filter((word) => word?.trim()).join(" ").trim();
}

export function unnamed(card) {
  return [...card.querySelectorAll("input, select, textarea, button, [role=button]")]
    .filter((control) => isShown(control) && !nameOf(control)
      && !(control.matches("button, [role=button]") && control.textContent.trim()))
    .map((control) => `label: ${control.tagName.toLowerCase()} "${control.getAttribute("placeholder") ?? ""}" has no label`);
}

function rgba(colour) {
  const [red, green, blue, alpha = 1] = colour.match(/[\d.]+/g).map(Number);
  return { red, green, blue, alpha };
}

function luminance({ red, green, blue }) {
  const [r, g, b] = [red, green, blue].map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function over(top, bottom) {
  const mix = (one, two) => one * top.alpha + two * (1 - top.alpha);
  return { red: mix(top.red, bottom.red), green: mix(top.green, bottom.green), blue: mix(top.blue, bottom.blue), alpha: 1 };
}

function behind(element) {
  const layers = [];
  for (let at = element; at; at = at.parentElement) {
    const layer = rgba(getComputedStyle(at).backgroundColor);
    layers.push(layer);
    if (layer.alpha === 1) break;
  }
  return layers.reverse().reduce((below, layer) => over(layer, below), { red: 255, green: 255, blue: 255, alpha: 1 });
}

export function faint(root) {
  const found = new Set();
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !isShown(element) || element.closest("[disabled], option")) continue;
    const ground = behind(element);
    const [high, low] = [luminance(over(rgba(getComputedStyle(element).color), ground)), luminance(ground)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < LEAST_CONTRAST) found.add(`contrast: ${ratio.toFixed(2)} for ${named(element)}`);
  }
  return [...found];
}

export function measure(card) {
  return [...overflows(card), ...unnamed(card), ...faint(card)];
}

window.draw = async (json, theme, locale) => {
  document.documentElement.dataset.theme = theme;
  document.documentElement.lang = locale;
  const { element, notes } = drawCard(json, { theme });
  document.body.replaceChildren(element);
  await document.fonts.ready;
  return [...notes.map((note) => `warning: ${note}`), ...measure(element)];
};
window.markdown = toHtml;

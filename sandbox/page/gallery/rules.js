// What a drawn card must keep: nothing cut off, readable, named, in order. Each rule lists what breaks it.

const LEAST_CONTRAST = 4.5;
const LEAST_EDGE_CONTRAST = 3;
const SLACK = 1;
const ARROW = 20;
const FIELDS = "input, select, textarea";
const CONTROLS = `${FIELDS}, button, [role=button], [role=link], a[href]`;
const MOST_BEFORE_HEADING = 2;

function named(element) {
  const words = (element.textContent ?? "").trim().replace(/\s+/g, " ").slice(0, 60);
  return `${element.className || element.tagName.toLowerCase()}${words ? ` "${words}"` : ""}`;
}

function isShown(element) {
  return element.getClientRects().length > 0 && getComputedStyle(element).visibility !== "hidden";
}

function textNodes(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.textContent.trim() && isShown(node.parentElement)) found.push(node);
  }
  return found;
}

function boxesOf(node) {
  const range = document.createRange();
  range.selectNodeContents(node);
  return [...range.getClientRects()].filter((box) => box.width > 0.5 && box.height > 0.5);
}

// What is cut off or sticks out of the card at its sides.
export function overflows(card) {
  const edge = card.getBoundingClientRect();
  const found = [];
  for (const element of [card, ...card.querySelectorAll("*")]) {
    if (!isShown(element) || found.some((outer) => outer.contains(element) && outer !== card)) continue;
    const box = element.getBoundingClientRect();
    const clipped = element.clientWidth > 0 && element.scrollWidth > element.clientWidth + SLACK
      && !element.matches(`${FIELDS}, option`);
    if (box.right > edge.right + SLACK || box.left < edge.left - SLACK || clipped) found.push(element);
  }
  return found.map((element) => `overflow: ${named(element)} (${element.scrollWidth} px of content in ${element.clientWidth} px)`);
}

// Words of which an outer box with hidden overflow shows a part only, above and below too.
export function clipped(card) {
  const found = new Set();
  for (const node of textNodes(card)) {
    const boxes = boxesOf(node);
    for (let at = node.parentElement; at && card.contains(at); at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.overflowX === "visible" && style.overflowY === "visible") continue;
      const frame = at.getBoundingClientRect();
      if (boxes.some((box) => box.top < frame.top - 2 || box.bottom > frame.bottom + 2
        || box.left < frame.left - 2 || box.right > frame.right + 2)) found.add(`clipped: ${named(node.parentElement)} in ${at.className}`);
    }
  }
  return [...found];
}

// What stands in a field and is longer than it: the choice of a closed drop-down, the hint of an empty box.
export function cutWords(card) {
  const ruler = document.createElement("canvas").getContext("2d");
  const fields = [...card.querySelectorAll("select, input[placeholder]")].filter((field) => isShown(field) && (field.matches("select") || !field.value));
  return fields.flatMap((field) => {
    const style = getComputedStyle(field);
    ruler.font = style.font;
    const arrow = field.matches("select") ? ARROW : 0;
    const room = field.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - arrow;
    const said = field.matches("select") ? field.selectedOptions[0]?.textContent ?? "" : field.placeholder;
    return ruler.measureText(said).width > room + SLACK ? [`clipped: "${said.slice(0, 60)}" in its field`] : [];
  });
}

// Words that lie upon other words.
export function overlaps(card) {
  const boxes = textNodes(card).flatMap((node) => boxesOf(node).map((box) => ({ box, element: node.parentElement })));
  const found = new Set();
  boxes.forEach((one, index) => {
    for (const other of boxes.slice(index + 1)) {
      const across = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
      const down = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
      if (across > 2 && down > 4) found.add(`overlap: ${named(one.element)} and ${named(other.element)}`);
    }
  });
  return [...found];
}

// The renderer lends a placeholder to a nameless input as its name; people are not helped by that.
function nameOf(control) {
  const byId = (control.getAttribute("aria-labelledby") ?? "").split(/\s+/).filter(Boolean)
    .map((id) => document.getElementById(id)?.textContent ?? "");
  const own = control.getAttribute("aria-label");
  const words = [own === control.getAttribute("placeholder") ? "" : own, ...byId, ...[...(control.labels ?? [])].map((label) => label.textContent)];
  return words.filter((word) => word?.trim()).join(" ").trim();
}

// Inputs and buttons without a name.
export function unnamed(card) {
  return [...card.querySelectorAll(`${FIELDS}, button, [role=button]`)]
    .filter((control) => isShown(control) && !nameOf(control)
      && !(control.matches("button, [role=button]") && control.textContent.trim()))
    .map((control) => `label: ${control.tagName.toLowerCase()} "${control.getAttribute("placeholder") ?? ""}" has no label`);
}

function wordsOf(text) {
  return text.toLowerCase().split(/\s+/).filter(Boolean).join(" ");
}

// A name may stop where it gets too long.
function fits(shown, name) {
  return name.includes(shown) || (name.endsWith("…") && shown.startsWith(name.slice(0, -1).trimEnd()));
}

// What can be pressed and is named otherwise than what is read on it: nobody can ask for it by voice (WCAG 2.5.3).
export function misnamed(card) {
  return [...card.querySelectorAll("[aria-label]:is(button, [role=button])")]
    .filter((control) => isShown(control) && !fits(wordsOf(control.innerText), wordsOf(control.ariaLabel)))
    .map((control) => `label: ${named(control)} is called "${control.ariaLabel.slice(0, 60)}"`);
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

function ratioOf(colour, ground) {
  const [high, low] = [luminance(over(rgba(colour), ground)), luminance(ground)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

// Words too faint to read, what is typed into a box and its hint among them.
export function faint(root) {
  const found = new Set();
  const check = (element, colour, words) => {
    const ratio = ratioOf(colour, behind(element));
    if (ratio < LEAST_CONTRAST) found.add(`contrast: ${ratio.toFixed(2)} for ${words}`);
  };
  for (const { parentElement: element } of textNodes(root)) {
    if (!element.closest("[disabled], option")) check(element, getComputedStyle(element).color, named(element));
  }
  for (const field of root.querySelectorAll(FIELDS)) {
    if (!isShown(field) || field.disabled) continue;
    check(field, getComputedStyle(field).color, `what is in ${named(field)}`);
    if (field.placeholder) check(field, getComputedStyle(field, "::placeholder").color, `the hint "${field.placeholder}"`);
  }
  return [...found];
}

// Boxes to type into and buttons whose outline cannot be told from what is around them.
export function faintEdges(card) {
  return [...card.querySelectorAll(`${FIELDS}, button`)]
    .filter((control) => isShown(control) && !control.disabled && !control.matches("[type=radio], [type=checkbox]"))
    .flatMap((control) => {
      const style = getComputedStyle(control);
      const around = behind(control.parentElement);
      const strongest = Math.max(ratioOf(style.borderTopColor, around), ratioOf(style.backgroundColor, around));
      return strongest < LEAST_EDGE_CONTRAST ? [`contrast: ${strongest.toFixed(2)} for the edge of ${named(control)}`] : [];
    });
}

// A card of several texts begins with a heading, below the line that names its deal, and no level is left out on the way down.
export function headings(card) {
  const found = [];
  const all = [...card.querySelectorAll("[role=heading], h1, h2, h3, h4, h5, h6")].filter(isShown);
  const blocks = [...card.querySelectorAll(":is(.ac-textBlock, .ac-richTextBlock):not(label)")].filter(isShown);
  if (!all.length) return blocks.length > 1 ? ["heading: the card has none"] : [];
  const before = blocks.filter((block) => block.compareDocumentPosition(all[0]) & Node.DOCUMENT_POSITION_FOLLOWING && !block.contains(all[0]));
  if (before.length > MOST_BEFORE_HEADING) found.push(`heading: ${named(all[0])} comes after ${before.length} texts`);
  let level = Number(all[0].ariaLevel ?? all[0].tagName[1]);
  for (const heading of all) {
    const next = Number(heading.ariaLevel ?? heading.tagName[1]);
    if (next > level + 1) found.push(`heading: ${named(heading)} jumps from level ${level} to ${next}`);
    if (!heading.textContent.trim()) found.push("heading: an empty one");
    level = next;
  }
  return found;
}

// The next one stands below, or beside on the same line.
function comesAfter(next, last) {
  const [one, two] = [last.getBoundingClientRect(), next.getBoundingClientRect()];
  const shared = Math.min(one.bottom, two.bottom) - Math.max(one.top, two.top);
  const sameLine = shared > Math.min(one.height, two.height) / 2;
  return last.contains(next) || (sameLine ? two.left >= one.left - SLACK : two.top >= one.top - SLACK);
}

// What Tab should reach: everything that can be pressed or filled in, of several choices one.
export function reachable(card) {
  const groups = new Set();
  return [...card.querySelectorAll(`${CONTROLS}, [tabindex]`)].filter((control) => {
    if (!isShown(control) || control.disabled || control.getAttribute("tabindex") === "-1") return false;
    if (control.type !== "radio") return true;
    const first = !groups.has(control.name);
    groups.add(control.name);
    return first;
  });
}

// `walked` are the elements that Tab reached in this card, in its order.
export function badWalk(card, walked) {
  const found = [];
  walked.slice(1).forEach((element, index) => {
    if (!comesAfter(element, walked[index])) found.push(`focus: ${named(element)} comes after ${named(walked[index])}`);
  });
  const same = (one, other) => one === other || (one.type === "radio" && one.name === other.name);
  for (const element of reachable(card)) {
    if (!walked.some((reached) => same(reached, element))) found.push(`focus: Tab does not reach ${named(element)}`);
  }
  return found;
}

// Everything that depends on width and words.
export function layout(card) {
  return [...overflows(card), ...clipped(card), ...overlaps(card)];
}

// Everything that depends on neither.
export function names(card) {
  return [...unnamed(card), ...misnamed(card), ...headings(card)];
}

// Everything that depends on colours.
export function colours(card) {
  return [...faint(card), ...faintEdges(card)];
}

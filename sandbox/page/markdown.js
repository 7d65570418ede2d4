// The Markdown that Teams renders in messages and cards: bold, italic, links and lists; all else stays text.

const PROTECTED = 0xe000;
const STASHED = 0xf000;
const STASH_LIMIT = 0x8f0;
const ESCAPED_HTML = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };
const SAFE_LINK = /^(https?:\/\/|mailto:|tel:)/i;

export function escapeHtml(text) {
  return text.replace(/[&<>"']/g, (sign) => ESCAPED_HTML[sign]);
}

function protect(sign) {
  const code = sign.codePointAt(0);
  return code < 0x800 ? String.fromCharCode(PROTECTED + code) : sign;
}

function protectEscapes(text) {
  return text
    .replace(/[\ue000-\uf8ff]/g, "\ufffd")
    .replace(/\\([!-/:-@[-`{-~])/g, (_, sign) => protect(sign))
    .replace(/&(amp|lt|gt|quot|apos|nbsp|#\d{1,4}|#x[0-9a-f]{1,4});/gi, (whole, name) => {
      if (!name.startsWith("#")) return protect(ENTITIES[name.toLowerCase()] ?? whole);
      const code = /^#x/i.test(name) ? parseInt(name.slice(2), 16) : Number(name.slice(1));
      return code >= 0x20 && code < 0xd800 ? protect(String.fromCharCode(code)) : whole;
    });
}

function restore(html) {
  return html.replace(/[\ue000-\ue7ff]/g, (sign) => escapeHtml(String.fromCharCode(sign.charCodeAt(0) - PROTECTED)));
}

function emphasise(html) {
  return html
    .replace(/\*\*(?=[^\s*])([^]*?[^\s*])\*\*(?!\*)/g, "<strong>$1</strong>")
    .replace(/(^|[^\p{L}\p{N}_])__(?=[^\s_])([^]*?[^\s_])__(?![\p{L}\p{N}_])/gu, "$1<strong>$2</strong>")
    .replace(/\*(?=[^\s*])([^*]*?[^\s*])\*/g, "<em>$1</em>")
    .replace(/(^|[^\p{L}\p{N}_])_(?=[^\s_])([^_]*?[^\s_])_(?![\p{L}\p{N}_])/gu, "$1<em>$2</em>");
}

function inline(text) {
  const stash = [];
  const keep = (html) => String.fromCharCode(STASHED + stash.push(html) - 1);
  const linked = escapeHtml(text).replace(/\[([^[\]]+)\]\(([^()\s]*(?:\([^()\s]*\)[^()\s]*)*)\)/g, (whole, label, target) => {
    const address = restore(target);
    if (!SAFE_LINK.test(address) || stash.length >= STASH_LIMIT) return whole;
    return keep(`<a href="${address}" target="_blank" rel="noopener noreferrer">${emphasise(label)}</a>`);
  }).replace(/&lt;at&gt;([^]{1,200}?)&lt;\/at&gt;/g, (whole, name) =>
    stash.length >= STASH_LIMIT ? whole : keep(`<span class="mention">${name}</span>`));
  return emphasise(linked).replace(/[\uf000-\uf8ff]/g, (sign) => stash[sign.charCodeAt(0) - STASHED] ?? "");
}

const LIST_ITEM = /^ {0,3}(?:([-*+])|(\d{1,9})[.)]) +(\S.*)$/;

function blocks(text) {
  const made = [];
  for (const line of text.split(/\r\n|\r|\n/)) {
    const last = made.at(-1);
    const item = LIST_ITEM.exec(line);
    if (item) {
      const kind = item[1] ? "ul" : "ol";
      if (last?.kind === kind) last.lines.push(item[3]);
      else made.push({ kind, start: item[2], lines: [item[3]] });
    } else if (!line.trim()) {
      if (last?.kind === "p" && last.lines.length) made.push({ kind: "p", lines: [] });
    } else if (last?.kind === "p") last.lines.push(line.trim());
    else if (last && /^ {2,}/.test(line)) last.lines[last.lines.length - 1] += `\n${line.trim()}`;
    else made.push({ kind: "p", lines: [line.trim()] });
  }
  return made.filter((block) => block.lines.length);
}

// Returns HTML that holds nothing but p, ul, ol, li, strong, em, a and span elements of our own making.
export function toHtml(text) {
  const html = blocks(protectEscapes(String(text))).map(({ kind, start, lines }) => {
    if (kind === "p") return `<p>${inline(lines.join("\n"))}</p>`;
    const opening = kind === "ol" && Number(start) !== 1 ? `<ol start="${Number(start)}">` : `<${kind}>`;
    return `${opening}${lines.map((line) => `<li>${inline(line)}</li>`).join("")}</${kind}>`;
  });
  return restore(html.join(""));
}

// What a person typed: shown as typed, with mentions marked.
export function plainToHtml(text) {
  return escapeHtml(String(text)).replace(/&lt;at&gt;([^]{1,200}?)&lt;\/at&gt;/g, '<span class="mention">$1</span>');
}

// Makes elements. Text from runs enters the document only as text nodes (append), never as markup.
const SVG = "http://www.w3.org/2000/svg";
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}
function shape(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

const known = (value) => value !== null && value !== undefined;
const short = (value, digits = 3) => (known(value) ? (value < 0 ? "−" : "") + Math.abs(Number(value.toPrecision(digits))) : "–");
const signed = (value) => (value > 0 ? "+" : "") + short(value);
const breakable = (name) => name.split(/(?=\()/).flatMap((part, i) => (i ? [el("wbr"), part] : [part])); // a line may break before the settings

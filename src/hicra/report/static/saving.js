// Saves what the page shows: a table as CSV, a chart as an SVG file with the colours that it has on the screen.
function save(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
// Numbers are written as machines read them: 40 % is 0.4, a dash is an empty cell. A text that a spreadsheet would compute is quoted.
function plainCell(text) {
  const said = text.trim(), percent = /^([−-]?[\d\u202f]*\.?\d+(?:e[−-]?\d+)?)\u00a0%$/.exec(said);
  const number = (percent ? percent[1] : said).replaceAll("\u202f", "").replaceAll("−", "-");
  if (percent) return String(Number((Number(number) / 100).toPrecision(6)));
  if (/^-?[\d.]+(e-?\d+)?$/.test(number)) return number;
  return said === "–" ? "" : quoted(said);
}
function quoted(text) {
  const safe = /^[=+\-@\t\r]/.test(text) ? "'" + text : text;
  return /[",\n\r]/.test(safe) ? '"' + safe.replaceAll('"', '""') + '"' : safe;
}
function csv(table) {
  return $$("tr", table).map((row) => $$("th, td", row).map((cell) => plainCell(cell.dataset.name || cell.textContent)).join(",")).join("\n") + "\n";
}
const LOOKS = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-opacity", "stroke-linejoin", "stroke-linecap", "opacity",
  "font-family", "font-size", "font-weight", "text-anchor"];
function standalone(svg, wide = svg.viewBox.baseVal.width) { // a copy whose looks are attributes, so that it needs no style sheet
  const copy = svg.cloneNode(true), from = [svg, ...$$("*", svg)];
  [copy, ...$$("*", copy)].forEach((node, i) => {
    const looks = getComputedStyle(from[i]);
    if (!["title", "desc"].includes(node.localName)) for (const name of LOOKS) node.setAttribute(name, looks.getPropertyValue(name));
    node.removeAttribute("class");
  });
  const { width, height } = svg.viewBox.baseVal;
  const ground = shape("rect", { width, height, fill: getComputedStyle(svg.closest(".card") || document.body).backgroundColor });
  copy.setAttribute("width", wide);
  copy.setAttribute("height", height);
  copy.setAttribute("xmlns", SVG);
  copy.insertBefore(ground, copy.firstChild);
  return new XMLSerializer().serializeToString(copy);
}
const fileName = (words) => "hicra-" + (words.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 60) || "file");
function offerPictures() {
  for (const figure of $$("figure")) {
    const named = $("h3", figure), shown = () => $$("svg[role=img]", figure).find((svg) => svg.getBoundingClientRect().width > 0);
    const name = fileName(named ? named.textContent : "figure");
    const buttons = el("p", { class: "saves" }, el("button", { type: "button", class: "linkish", onclick: () => save(name + ".svg", "image/svg+xml", standalone(shown())) }, "save SVG"));
    const table = $("table", figure);
    if (table) buttons.append(el("button", { type: "button", class: "linkish", onclick: () => save(name + ".csv", "text/csv", csv(table)) }, "save CSV"));
    const below = $("details", figure);
    if (below) below.before(buttons); else figure.append(buttons);
  }
}

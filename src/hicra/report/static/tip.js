// The tooltip: names with values, at a place of the window.
const tip = el("div", { class: "tip", role: "tooltip", id: "tip", hidden: true });
document.body.append(tip);
function showTip(x, y, lines) {
  tip.replaceChildren(...lines.map(([name, value]) => (value ? el("div", {}, el("span", {}, name), " ", el("span", {}, value)) : el("div", {}, el("b", {}, name)))));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const left = Math.min(Math.max(8, x + 14), document.documentElement.clientWidth - box.width - 8);
  const top = y + 18 + box.height > innerHeight ? y - box.height - 14 : y + 18;
  tip.style.left = left + scrollX + "px";
  tip.style.top = Math.max(4, top) + scrollY + "px";
}
function hideTip() { tip.hidden = true; }
document.addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });
// Focus may scroll the page, and the tooltip of a focused span scrolls with it.
document.addEventListener("scroll", () => { if (document.activeElement.localName !== "mark") hideTip(); }, { passive: true });

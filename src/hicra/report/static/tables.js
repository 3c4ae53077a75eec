// Tables: a long one shows its first rows and says how many there are; one of class "sorts" is sorted by a click on a heading.
const FIRST_ROWS = 10;
function cutTables() {
  for (const table of $$("main .scroll > table")) {
    const rows = $$("tbody tr", table), inFigure = table.closest("figure");
    const name = fileName(table.parentNode.getAttribute("aria-label") || "table");
    const below = el("p", { class: "saves" });
    if (rows.length > FIRST_ROWS + 2) {
      const state = el("span", {}), button = el("button", { type: "button", class: "linkish", "aria-expanded": "false" });
      const show = (all) => {
        table.classList.toggle("cut", !all);
        state.textContent = all ? `all ${rows.length}` : `${FIRST_ROWS} of ${rows.length}`;
        button.textContent = all ? `show the first ${FIRST_ROWS}` : "show all";
        button.setAttribute("aria-expanded", String(all));
      };
      button.addEventListener("click", () => show(table.classList.contains("cut")));
      show(false);
      below.append(state, button);
    }
    if (!inFigure) below.append(el("button", { type: "button", class: "linkish", onclick: () => save(name + ".csv", "text/csv", csv(table)) }, "save CSV"));
    if (below.childNodes.length) table.parentNode.after(below);
    if (table.classList.contains("sorts")) sortable(table);
  }
}
function sortable(table) {
  const heads = $$("thead th", table);
  heads.forEach((head, column) => {
    const name = head.textContent;
    head.dataset.name = name;
    const button = el("button", { type: "button", class: "head-button" }, name);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") !== "descending";
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = (row) => { const text = plainCell(row.cells[column].textContent), number = Number(text); return text === "" ? null : Number.isNaN(number) ? text.toLowerCase() : number; };
      const rows = $$("tbody tr", table).map((row) => [value(row), row]);
      $("tbody", table).append(...rows.sort(([a], [b]) => compareCells(a, b, down)).map(([, row]) => row));
    });
    head.replaceChildren(button);
  });
}
// What is not known stands last in both directions.
function compareCells(a, b, down) {
  if (!known(a) || !known(b)) return Number(!known(a)) - Number(!known(b));
  const order = typeof a !== typeof b ? (typeof a === "number" ? -1 : 1) : a < b ? -1 : a > b ? 1 : 0; // numbers before words
  return down ? -order : order;
}

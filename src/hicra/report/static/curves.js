// All curves have one cursor, and the values under it come from each figure's own table.
function curves() {
  const charts = $$("figure svg.chart[data-x]").map((svg) => {
    const [left, right, first, last] = svg.dataset.x.split(" ").map(Number);
    const [top, bottom] = svg.dataset.y.split(" ").map(Number);
    const figure = svg.closest("figure");
    const cursor = shape("path", { class: "cursor", d: "" });
    svg.append(cursor);
    const forms = $$("svg.chart", figure), columns = Number(svg.dataset.columns); // the table has those of all forms, one after another
    const offset = forms.slice(0, forms.indexOf(svg)).reduce((sum, form) => sum + Number(form.dataset.columns), 0);
    return { svg, figure, left, right, first, last, top, bottom, cursor, columns, offset };
  });
  const tables = new Map();
  function table(figure) {
    if (!tables.has(figure)) {
      const rows = $$("tbody tr", figure).map((row) => ({
        step: Number($("th", row).textContent.replace(/[^\d.]/g, "")),
        cells: $$("td", row).map((cell) => cell.textContent),
      }));
      tables.set(figure, { heads: $$("thead th", figure).slice(1), rows });
    }
    return tables.get(figure);
  }
  function point(step) {
    for (const chart of charts) {
      const { rows } = table(chart.figure);
      if (step === null || !rows.length) { chart.cursor.setAttribute("d", ""); continue; }
      const row = rows.reduce((best, each) => (Math.abs(each.step - step) < Math.abs(best.step - step) ? each : best));
      const share = chart.last > chart.first ? (row.step - chart.first) / (chart.last - chart.first) : 0.5;
      chart.cursor.setAttribute("d", `M${chart.left + share * (chart.right - chart.left)} ${chart.top}V${chart.bottom}`);
    }
  }
  for (const chart of charts) {
    const step = (event) => {
      const box = chart.svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * chart.svg.viewBox.baseVal.width;
      const share = Math.min(1, Math.max(0, (x - chart.left) / (chart.right - chart.left)));
      return chart.first + share * (chart.last - chart.first);
    };
    chart.svg.addEventListener("pointermove", (event) => {
      const at = step(event);
      point(at);
      const { heads, rows } = table(chart.figure);
      if (!rows.length) return;
      const row = rows.reduce((best, each) => (Math.abs(each.step - at) < Math.abs(best.step - at) ? each : best));
      const mine = [];
      for (let i = chart.offset; i < chart.offset + chart.columns; i++) { // the ends of a band stand behind the value that they belong to
        const name = (heads[i].dataset.name || heads[i].textContent).replace(/ \[[^\]]*\]$/, ""), { band } = heads[i].dataset;
        if (!band) mine.push([name, row.cells[i]]);
        else if (row.cells[i] !== "–") mine.at(-1)[1] += band === "lower" ? ` (${row.cells[i]}` : ` to ${row.cells[i]})`;
      }
      showTip(event.clientX, event.clientY, [["step " + row.step, ""], ...mine]);
    });
    chart.svg.addEventListener("pointerleave", () => { point(null); hideTip(); });
    // The chart's title is its accessible name; the empty title of this cover stops the browser from showing it over the values.
    const cover = shape("rect", { width: "100%", height: "100%", fill: "transparent" });
    cover.append(shape("title", {}));
    chart.svg.append(cover);
  }
}

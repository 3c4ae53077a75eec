// The rollouts: filters, a table of ten at a time, and one rollout below it, or two of different arms on one prompt.
function startViewer(data, source) {
  const viewer = $("#viewer"), has = data.has;
  const none = { text: "", arm: "", outcome: "", from: "", to: "", gram: "", sort: "", down: false, page: 0, around: null };
  const state = { query: { ...none }, total: 0, page: 0, rows: [], at: null, colour: "planning", pair: false, asked: 0, painted: 0 };

  // ---- filters
  const option = (value, text) => el("option", { value }, text);
  const inputs = {
    text: el("input", { type: "search", id: "f-text", placeholder: "any words", autocomplete: "off", spellcheck: "false", "aria-keyshortcuts": "/" }),
    arm: el("select", { id: "f-arm" }, option("", "all"), ...data.arms.map((name, i) => option(i, name))),
    outcome: el("select", { id: "f-correct" }, option("", "all"), option("1", "correct"), option("0", "wrong"), option("unknown", "unknown"),
      ...(data.arms.length > 1 && !data.remote ? [option("differ", "arms differ")] : [])),
    from: el("input", { type: "number", id: "f-from", min: data.steps[0], max: data.steps[1], placeholder: String(data.steps[0]), "aria-label": "first step" }),
    to: el("input", { type: "number", id: "f-to", min: data.steps[0], max: data.steps[1], placeholder: String(data.steps[1]), "aria-label": "last step" }),
    gram: el("input", { type: "search", id: "f-gram", list: "gram-list", placeholder: "any", autocomplete: "off", spellcheck: "false" }),
  };
  const field = (text, ...nodes) => el("label", {}, el("span", {}, text), ...nodes);
  const colour = el("select", { id: "f-colour", onchange: () => { state.colour = colour.value; paint(); } },
    ...Object.entries(COLOURS).filter(([name]) => has.includes(name)).map(([name, text]) => option(name, text)));
  const tools = el("div", { class: "tools", role: "group", "aria-label": "filters" }, field("search", inputs.text), ...(data.arms.length > 1 ? [field("arm", inputs.arm)] : []),
    field("outcome", inputs.outcome), ...(data.steps[0] < data.steps[1] ? [el("fieldset", {}, el("legend", {}, "steps"), inputs.from, " – ", inputs.to)] : []),
    field("gram contains", inputs.gram), el("datalist", { id: "gram-list" }, ...data.grams.slice(0, 200).map((g) => option(g.gram, ""))), field("colour tokens by", colour));
  let waiting = 0;
  for (const [name, input] of Object.entries(inputs)) {
    input.addEventListener("input", () => {
      state.query = { ...state.query, [name]: input.value, page: 0, around: state.at };
      clearTimeout(waiting);
      if (data.remote) waiting = setTimeout(() => ask(), 250); else ask();
    });
  }

  // ---- the table
  const unit = data.unit;
  const columns = [["step", "step", "n"], ["correct", "", ""], ["arm", "arm", "arm"], ["question", "prompt", "wide"], ["gold", "gold", ""], ["found", "answer found", ""],
    ["reward", "score", "n slim"], ["length", unit, "n extra"], ["share", "planning", "n extra"]].filter(([key]) => has.includes(key) && (key !== "arm" || data.arms.length > 1));
  const heads = columns.map(([key, name, look]) => el("th", { scope: "col", class: look, "data-key": key }, source.sorts.includes(key) ? el("button", { type: "button", class: "head-button", onclick: () => sortBy(key) }, name || "right?") : name || "right?"));
  const body = el("tbody", {}), shown = el("output", { "aria-live": "polite" });
  const pages = [-1, 1].map((by) => el("button", { type: "button", onclick: () => { state.query = { ...state.query, page: state.page + by, around: null }; ask(); } }, by < 0 ? "← earlier rows" : "later rows →"));
  const table = el("div", { class: "card rows" }, el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "table of rollouts" },
    el("table", { class: "wide" }, el("thead", {}, el("tr", {}, ...heads)), body)), el("div", { class: "pager" }, shown, el("span", { class: "push" }, ...pages)));

  // ---- the rollout below it
  const step = (by, text, keys) => el("button", { type: "button", onclick: () => move(by), "aria-keyshortcuts": keys }, text);
  const previous = step(-1, "← previous", "ArrowLeft k"), next = step(1, "next →", "ArrowRight j"), place = el("output", { "aria-live": "polite" });
  const pairing = el("button", { type: "button", class: "push", "aria-pressed": "false", "aria-keyshortcuts": "c", onclick: () => togglePair() }, "side by side");
  const key = el("div", {}), pair = el("div", { class: "pair" });
  const kbd = (name) => el("kbd", {}, name);
  const hint = el("p", { class: "note hint wide" }, "Keys: ", kbd("j"), " or ", kbd("→"), " next, ", kbd("k"), " or ", kbd("←"), " previous, ", kbd("c"), " side by side, ", kbd("/"),
    " search. Point at a token, or tab to a marked span, to see its values. The address of this page leads back to what it shows now.");
  viewer.replaceChildren(tools, table, el("div", { class: "pager" }, previous, next, place, pairing), key, pair, hint);

  // ---- what the state says
  async function ask(row) { // `row` of the page that comes is chosen; without it the present rollout stays, or the first one is
    const turn = ++state.asked;
    try {
      const found = await source.find(state.query);
      if (turn !== state.asked) return; // another question was asked since
      Object.assign(state, { total: found.total, page: found.page, rows: found.rows });
      if (row !== undefined && found.rows[row]) state.at = found.rows[row].at;
      else if (!found.rows.some((each) => each.at === state.at)) state.at = found.rows.length ? found.rows[0].at : null;
      fill();
      await paint();
    } catch (error) { complain(error); }
  }
  function complain(error) { pair.replaceChildren(el("p", { class: "empty card", role: "alert" }, error.message)); }
  function sortBy(key) {
    const { sort, down } = state.query;
    state.query = { ...state.query, sort: key, down: sort === key ? !down : !["question", "arm", "step"].includes(key), page: 0, around: null };
    state.at = null;
    ask();
  }
  function cell(row, key) {
    if (key === "correct") return el("span", { class: "v " + (row.correct ? "ok" : row.correct === false ? "no" : ""), role: "img", "aria-label": verdictOf(row) }, row.correct ? "✓" : row.correct === false ? "✗" : "·");
    if (key === "arm") return el("span", { title: data.arms[row.arm] }, swatch(data, row.arm), el("bdi", {}, ...breakable(data.arms[row.arm])));
    if (key === "question") return el("button", { type: "button", class: "linkish preview", onclick: () => choose(row.at) }, (row.more ? "[" + row.more + "] " : "") + (row.question || "(no prompt)"));
    if (key === "share") return known(row.share) ? short(100 * row.share) + "\u00a0%" : "–";
    return typeof row[key] === "string" ? el("bdi", { class: "preview" }, row[key]) : short(row[key], key === "step" || key === "length" ? 12 : 3);
  }
  function fill() {
    for (const head of heads) head.removeAttribute("aria-sort");
    const sorted = heads.find((head) => head.dataset.key === state.query.sort);
    if (sorted) sorted.setAttribute("aria-sort", state.query.down ? "descending" : "ascending");
    body.replaceChildren(...state.rows.map((row) => el("tr", { "data-at": row.at, onclick: (event) => { if (!event.target.closest("button")) choose(row.at); } },
      ...columns.map(([key, , look]) => el("td", { class: look }, cell(row, key))))));
    const first = state.page * PAGE + 1, last = state.page * PAGE + state.rows.length;
    shown.textContent = state.total ? `${first} to ${last} of ${state.total}` + (state.total < source.total ? `, of ${source.total} in all` : "") : `0 of ${source.total}`;
    pages[0].disabled = state.page === 0;
    pages[1].disabled = last >= state.total;
  }
  function choose(at) { state.at = at; return paint().catch(complain); }
  async function move(by) {
    if (!state.total) return;
    const here = state.page * PAGE + state.rows.findIndex((row) => row.at === state.at), place = (here + by + state.total) % state.total, page = Math.floor(place / PAGE);
    if (page === state.page) return choose(state.rows[place % PAGE].at);
    state.query = { ...state.query, page, around: null };
    return ask(place % PAGE);
  }
  function togglePair() { if (!pairing.disabled) { state.pair = !state.pair; paint().catch(complain); } }
  async function paint() {
    hideTip();
    const at = state.at, turn = ++state.painted;
    for (const row of body.rows) { if (Number(row.dataset.at) === at) row.setAttribute("aria-current", "true"); else row.removeAttribute("aria-current"); }
    previous.disabled = next.disabled = state.total < 2;
    pairing.hidden = data.arms.length < 2;
    if (at === null) {
      place.textContent = "0 of " + source.total;
      pairing.disabled = true;
      pair.className = "pair";
      key.replaceChildren();
      pair.replaceChildren(el("p", { class: "empty card" }, "No rollout matches these filters."));
      return;
    }
    place.textContent = `${state.page * PAGE + state.rows.findIndex((row) => row.at === at) + 1} of ${state.total}`;
    const [r, twin] = await Promise.all([source.whole(at), data.arms.length > 1 ? source.twin(at) : null]);
    const other = twin === null ? null : await source.whole(twin);
    if (turn !== state.painted) return;
    const both = state.pair && other !== null;
    pairing.disabled = other === null;
    pairing.title = other === null ? "no other arm has a rollout on this question among those here" : "";
    pairing.setAttribute("aria-pressed", String(both));
    pairing.textContent = both ? "one at a time" : "side by side with " + (other === null ? "another arm" : data.arms[other.arm]);
    const cards = both ? [r, other].sort((a, b) => a.arm - b.arm) : [r];
    const left = both ? differences(cards[0].response, cards[1].response) : [];
    pair.className = both ? "pair two" : "pair";
    key.replaceChildren(colourKey(state.colour, r.names, both));
    pair.replaceChildren(...cards.map((each, i) => rolloutCard(data, each, state.colour, left[i])));
    remember();
  }

  // ---- the address: #rollout-12?colour=entropy&pair=1&text=...
  function remember() {
    const { around, page, down, ...asked } = state.query;
    const said = { ...asked, down: down && asked.sort ? "1" : "", colour: state.colour === "planning" ? "" : state.colour, pair: state.pair ? "1" : "" };
    const words = new URLSearchParams(Object.entries(said).filter(([, value]) => value !== "")).toString();
    try { history.replaceState(null, "", "#rollout-" + (state.at + 1) + (words && "?" + words)); } catch { /* the page has no address of its own */ }
  }
  function recall() {
    const asked = /^#rollout-(\d+)(?:\?(.*))?$/.exec(location.hash);
    if (!asked) return false;
    const words = new URLSearchParams(asked[2] || "");
    for (const name of Object.keys(inputs)) if (words.get(name)) { inputs[name].value = words.get(name); state.query[name] = inputs[name].value; }
    if (source.sorts.includes(words.get("sort"))) Object.assign(state.query, { sort: words.get("sort"), down: words.get("down") === "1" });
    if (has.includes(words.get("colour")) && words.get("colour") in COLOURS) state.colour = colour.value = words.get("colour");
    state.pair = words.get("pair") === "1";
    state.at = state.query.around = Math.max(0, Number(asked[1]) - 1); // rollouts are counted from 1, as beside the arrows
    return true;
  }

  // ---- keys, and the grams of the table below
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { key: pressed, target } = event;
    const typed = target.closest("input:not([type=radio]), select, textarea, summary, pre");
    if (typed || (pressed.startsWith("Arrow") && target.closest("input, .scroll, .prompt, .tree"))) return;
    const by = { ArrowRight: 1, j: 1, ArrowLeft: -1, k: -1 }[pressed];
    if (by) { move(by); event.preventDefault(); }
    if (pressed === "c") togglePair();
    if (pressed === "/") { inputs.text.focus(); event.preventDefault(); }
  });
  for (const cell of $$("#grams .gram")) { // a click on a gram of the table filters the viewer
    const name = cell.textContent;
    cell.replaceChildren(el("button", { type: "button", class: "linkish free", onclick: () => {
      inputs.gram.value = name;
      inputs.gram.dispatchEvent(new Event("input"));
      $("#rollouts").scrollIntoView();
    } }, name));
  }
  const address = location.hash, asked = recall();
  ask().then(() => {
    if (asked) place.scrollIntoView({ behavior: "instant" });
    else try { history.replaceState(null, "", address || location.pathname + location.search); } catch { /* as above */ }
  });
}

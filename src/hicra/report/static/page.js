"use strict";
// The page works without this file, which adds the values under the pointer and the rollout viewer.
// Text from runs enters the document only as text nodes (textContent, append), never as markup.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const SVG = "http://www.w3.org/2000/svg";

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

  // ---- curves: all charts have one cursor, and the values come from each figure's own table
  const charts = $$("figure svg.chart[data-x]").map((svg) => {
    const [left, right, first, last] = svg.dataset.x.split(" ").map(Number);
    const [top, bottom] = svg.dataset.y.split(" ").map(Number);
    const figure = svg.closest("figure");
    const cursor = shape("path", { class: "cursor", d: "" });
    svg.append(cursor);
    const forms = $$("svg.chart", figure), lines = Number(svg.dataset.lines); // the table has the columns of all forms, one after another
    const offset = forms.slice(0, forms.indexOf(svg)).reduce((sum, form) => sum + Number(form.dataset.lines), 0);
    return { svg, figure, left, right, first, last, top, bottom, cursor, lines, offset };
  });
  const tables = new Map();
  function table(figure) {
    if (!tables.has(figure)) {
      const rows = $$("tbody tr", figure).map((row) => ({
        step: Number($("th", row).textContent.replace(/[^\d.]/g, "")),
        cells: $$("td", row).map((cell) => cell.textContent),
      }));
      tables.set(figure, { names: $$("thead th", figure).slice(1).map((cell) => cell.textContent), rows });
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
      const { names, rows } = table(chart.figure);
      if (!rows.length) return;
      const row = rows.reduce((best, each) => (Math.abs(each.step - at) < Math.abs(best.step - at) ? each : best));
      const mine = names.map((name, i) => [name.replace(/ \[[^\]]*\]$/, ""), row.cells[i]]).slice(chart.offset, chart.offset + chart.lines);
      showTip(event.clientX, event.clientY, [["step " + row.step, ""], ...mine]);
    });
    chart.svg.addEventListener("pointerleave", () => { point(null); hideTip(); });
    // The chart's title is its accessible name; the empty title of this cover stops the browser from showing it over the values.
    const cover = shape("rect", { width: "100%", height: "100%", fill: "transparent" });
    cover.append(shape("title", {}));
    chart.svg.append(cover);
  }

  // ---- the tooltip
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

  // ---- packed numbers (encode.py)
  const CODE = new Map([..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"].map((c, i) => [c, i]));
  function counts(text) {
    const out = [];
    let value = 0, scale = 1;
    for (const c of text || "") {
      const code = CODE.get(c);
      value += (code % 32) * scale;
      if (code < 32) { out.push(value); value = 0; scale = 1; } else scale *= 32;
    }
    return out;
  }
  function levels(packed) {
    if (!packed) return null;
    const { values, range, codes } = packed;
    if (values) return [...codes].map((c) => (c === "_" ? null : values[CODE.get(c)]));
    const [low, high] = range, out = [];
    for (let i = 0; i < codes.length; i += 2) {
      const code = CODE.get(codes[i]) * 64 + CODE.get(codes[i + 1]);
      out.push(code === 4095 ? null : low + (code / 4094) * (high - low));
    }
    return out;
  }
  function mask(packed, n) {
    const out = [];
    counts(packed).forEach((length, i) => { for (let j = 0; j < length; j++) out.push(i % 2 === 1); });
    return out.slice(0, n);
  }
  function unpack(r) {
    if (r.full) return r.full;
    const ends = [];
    counts(r.ends).reduce((sum, length) => { ends.push(sum + length); return sum + length; }, 0);
    const flat = counts(r.spans), spans = [];
    let last = 0;
    for (let i = 0; i < flat.length; i += 3) {
      last += flat[i];
      spans.push({ start: last, end: last + flat[i + 1], gram: flat[i + 2] });
    }
    const after = levels(r.after);
    return (r.full = {
      ends, spans, after, planning: mask(r.planning, ends.length), entropies: levels(r.entropies), logprobs: levels(r.logprobs), labels: counts(r.labels),
    });
  }

  // ---- the viewer
  const block = $("#data");
  if (!block) return;
  const data = JSON.parse(block.textContent);
  const rollouts = data.rollouts;
  const viewer = $("#viewer");
  const short = (value, digits = 3) => (value === null || value === undefined ? "–" : (value < 0 ? "−" : "") + Math.abs(Number(value.toPrecision(digits))));
  const signed = (value) => (value > 0 ? "+" : "") + short(value);
  const verdict = (r) => (r.correct ? "correct" : r.correct === false ? "wrong" : "correctness unknown");
  const armName = (arm) => data.arms[arm].split(/(?=\()/).flatMap((part, i) => (i ? [el("wbr"), part] : [part])); // a line may break before the settings
  const state = { shown: rollouts.map((_, i) => i), at: 0, colour: "planning", pair: false };

  const steps = rollouts.map((r) => r.step);
  const lowest = Math.min(...steps), highest = Math.max(...steps);
  const option = (value, text) => el("option", { value }, text);
  const arm = el("select", { id: "f-arm" }, option("", "all"), ...data.arms.map((name, i) => option(i, name)));
  const correct = el("select", { id: "f-correct" }, option("", "all"), option("1", "correct"), option("0", "wrong"), option("unknown", "unknown"));
  const from = el("input", { type: "number", id: "f-from", min: lowest, max: highest, value: lowest, "aria-label": "first step" });
  const to = el("input", { type: "number", id: "f-to", min: lowest, max: highest, value: highest, "aria-label": "last step" });
  const gram = el("input", { type: "search", id: "f-gram", list: "gram-list", placeholder: "any", autocomplete: "off", spellcheck: "false" });
  const grams = el("datalist", { id: "gram-list" }, ...data.grams.slice(0, 200).map((g) => option(g.gram, "")));
  const colours = [["planning", "planning", true], ["advantage", "advantage", rollouts.some((r) => r.after)], ["entropy", "entropy", rollouts.some((r) => r.entropies)],
    ["labels", "exact labels", rollouts.some((r) => r.labels)]];
  const seg = el("fieldset", {}, el("legend", {}, "colour by"), el("div", { class: "seg" }, ...colours.map(([value, text, there], i) =>
    el("label", {}, el("input", { type: "radio", name: "colour", value, checked: i === 0, disabled: !there,
      onchange: () => { state.colour = value; paint(); } }), text))));
  const field = (text, ...inputs) => el("label", {}, el("span", {}, text), ...inputs);
  const tools = el("div", { class: "tools", role: "group", "aria-label": "filters" }, field("arm", arm), field("outcome", correct),
    el("fieldset", {}, el("legend", {}, "steps"), from, " – ", to), field("gram contains", gram), grams, seg);
  const previous = el("button", { type: "button", onclick: () => move(-1), "aria-keyshortcuts": "ArrowLeft k" }, "← previous");
  const next = el("button", { type: "button", onclick: () => move(1), "aria-keyshortcuts": "ArrowRight j" }, "next →");
  const place = el("output", { "aria-live": "polite" });
  const pairing = el("button", { type: "button", class: "push", "aria-pressed": "false", "aria-keyshortcuts": "c", onclick: () => togglePair() }, "side by side");
  const list = el("ol", { class: "list card", "aria-label": "rollouts" });
  const key = el("div", { class: "colour-key" });
  const pair = el("div", { class: "pair" });
  const hint = el("p", { class: "note" }, "Keys: ", el("kbd", {}, "j"), " or ", el("kbd", {}, "→"), " next, ", el("kbd", {}, "k"), " or ", el("kbd", {}, "←"),
    " previous, ", el("kbd", {}, "c"), " side by side. Point at a marked span, or tab to it, to see its values.");
  viewer.replaceChildren(tools, el("div", { class: "desk" }, list, el("div", {}, el("div", { class: "pager" }, previous, next, place, pairing), key, pair, hint)));

  const folded = data.grams.map((g) => g.gram.toLowerCase());
  const gramsOf = rollouts.map((r) => { const flat = counts(r.spans); return [...new Set(flat.filter((_, i) => i % 3 === 2))]; });
  function filter() {
    const wanted = gram.value.trim().toLowerCase();
    const low = from.value === "" ? -Infinity : Number(from.value), high = to.value === "" ? Infinity : Number(to.value);
    const current = state.shown[state.at];
    state.shown = rollouts.map((_, i) => i).filter((i) => {
      const r = rollouts[i];
      return (arm.value === "" || r.arm === Number(arm.value)) && (correct.value === "" || (correct.value === "unknown" ? r.correct === undefined : r.correct === (correct.value === "1")))
        && r.step >= low && r.step <= high && (!wanted || gramsOf[i].some((g) => folded[g].includes(wanted)));
    });
    state.at = Math.max(0, state.shown.indexOf(current));
    fill();
    paint();
  }
  for (const input of [arm, correct, from, to, gram]) input.addEventListener("input", filter);

  function fill() {
    list.replaceChildren(...state.shown.map((i, at) => {
      const r = rollouts[i];
      const mark = r.correct ? el("span", { class: "v ok" }, "✓") : r.correct === false ? el("span", { class: "v no" }, "✗") : el("span", { class: "v" }, "·");
      mark.setAttribute("role", "img");
      mark.setAttribute("aria-label", verdict(r));
      return el("li", {}, el("button", { type: "button", onclick: () => { state.at = at; paint(); } }, el("span", { class: "s" }, "step " + r.step + (r.tree ? " · tree" : r.subgoals ? " · subgoals" : "")),
        el("bdi", { class: "free", title: data.arms[r.arm] }, el("span", { class: "sw a" + (r.arm % data.colours), "aria-hidden": "true" }), ...armName(r.arm)), mark));
    }));
  }
  function move(by) {
    if (!state.shown.length) return;
    state.at = (state.at + by + state.shown.length) % state.shown.length;
    paint();
  }
  function twin(i) { // finds the rollout of another arm on the same prompt at the nearest step
    const r = rollouts[i];
    let best = null;
    rollouts.forEach((other, j) => {
      if (other.arm === r.arm || other.prompt !== r.prompt || other.prompt === undefined) return;
      const far = Math.abs(other.step - r.step);
      if (best === null || far < best.far) best = { j, far };
    });
    return best && best.j;
  }
  function togglePair() { if (!pairing.disabled) { state.pair = !state.pair; paint(); } }

  function gramText(index) {
    const { gram: text, cluster, cluster_df: df, doc_freq: doc } = data.grams[index];
    const parts = [];
    if (cluster !== undefined) parts.push("cluster " + cluster + (df === undefined ? "" : ", in " + short(df) + " solutions"));
    if (doc !== undefined) parts.push("gram in " + short(doc) + " solutions");
    return [text || "planning", parts.join("; ")];
  }
  function about(r, token, covering) {
    const full = unpack(r), lines = [];
    for (const index of new Set(covering.map((span) => span.gram))) {
      const [name, where] = gramText(index);
      lines.push([name, ""]);
      if (where) lines.push(["lexicon", where]);
    }
    if (token !== null) {
      if (!covering.length) lines.push(["execution token", ""]);
      const before = r.before, after = full.after && full.after[token];
      if (after !== null && after !== undefined) lines.push(["advantage", (before === undefined ? "" : signed(before) + " → ") + signed(after)]);
      if (full.entropies && full.entropies[token] !== null) lines.push(["entropy", short(full.entropies[token]) + " nats"]);
      if (full.logprobs && full.logprobs[token] !== null) lines.push(["log-probability", short(full.logprobs[token]) + " nats"]);
      if (full.tokenLabels && full.tokenLabels[token] !== undefined) lines.push(["label", data.labels[full.tokenLabels[token]]]);
    }
    return lines;
  }

  // Sets one label per token if the rows have one per token; else returns those of the words (split at white space).
  function labelsAt(r, full) {
    if (!full.labels.length) return null;
    if (!r.words) { full.tokenLabels = full.labels; return null; }
    const edges = [];
    counts(r.words).reduce((sum, length) => { edges.push(sum + length); return sum + length; }, 0);
    return full.labels.map((label, i) => ({ start: edges[2 * i], end: edges[2 * i + 1], label }));
  }
  function text(r) { // makes the response as nodes: marks around parts of tokens
    const full = unpack(r), body = r.response;
    const words = labelsAt(r, full);
    const cuts = new Set([0, body.length, ...full.ends, ...(r.tools || []).map(([at]) => at), ...full.spans.flatMap((s) => [s.start, s.end]), ...(words || []).flatMap((w) => [w.start, w.end])]);
    const points = [...cuts].filter((cut) => cut <= body.length).sort((a, b) => a - b);
    const top = Math.max(1e-9, ...(full.after || []).map(Math.abs)), hot = Math.max(1e-9, ...(full.entropies || []));
    const out = [];
    let token = 0, word = 0, open = null, tool = 0;
    const returned = (upTo) => { // what tools returned before this place
      for (; r.tools && tool < r.tools.length && r.tools[tool][0] <= upTo; tool++) {
        open = null;
        out.push(el("span", { class: "tool", title: "what the tool returned" }, r.tools[tool][1]));
      }
    };
    for (let i = 0; i + 1 < points.length; i++) {
      const [start, end] = [points[i], points[i + 1]];
      returned(start);
      while (token < full.ends.length && full.ends[token] <= start) token++;
      while (words && word < words.length && words[word].end <= start) word++;
      const has = token < full.ends.length ? token : null;
      const covering = full.spans.filter((span) => span.start < end && start < span.end);
      const piece = el("span", { class: "tok" }, body.slice(start, end));
      if (has !== null) {
        piece.dataset.t = has;
        const after = full.after && full.after[has], heat = full.entropies && full.entropies[has];
        if (state.colour === "advantage" && after) piece.classList.add(after > 0 ? "up" : "dn", "q" + Math.max(1, Math.round((6 * Math.abs(after)) / top)));
        if (state.colour === "entropy" && heat !== null && heat !== undefined && heat >= hot / 12) piece.classList.add("q", "q" + Math.max(1, Math.round((6 * heat) / hot)));
        if (state.colour === "labels" && full.tokenLabels) piece.classList.add("l" + (full.tokenLabels[has] % 6));
      }
      if (state.colour === "labels" && words && word < words.length && words[word].start <= start) piece.classList.add("l" + (words[word].label % 6));
      piece.addEventListener("pointerenter", (event) => { const lines = about(r, has, covering); if (lines.length) showTip(event.clientX, event.clientY, lines); });
      piece.addEventListener("pointerleave", hideTip);
      if (!covering.length) { open = null; out.push(piece); continue; }
      if (!open || !covering.some((span) => open.spans.has(span))) {
        open = { node: el("mark", { tabindex: "0", "aria-describedby": "tip" }), spans: new Set(), token: has };
        const mine = open;
        mine.node.addEventListener("focus", () => {
          if (!mine.node.matches(":focus-visible")) return;
          const box = mine.node.getBoundingClientRect();
          showTip(box.left, box.bottom - 10, about(r, mine.token, [...mine.spans]));
        });
        mine.node.addEventListener("blur", hideTip);
        out.push(open.node);
      }
      covering.forEach((span) => open.spans.add(span));
      open.node.append(piece);
    }
    returned(body.length);
    return out;
  }
  function strip(r) { // draws the advantage along the response
    const full = unpack(r);
    if (!full.after || full.after.length > 3000) return null;
    const n = full.after.length, values = [...full.after.filter((v) => v !== null), r.before || 0];
    const high = Math.max(0, ...values), low = Math.min(0, ...values), height = high - low;
    if (!height) return null;
    const y = (value) => 2 + (50 * (high - value)) / height;
    const svg = shape("svg", { class: "strip", viewBox: `0 0 ${n} 54`, preserveAspectRatio: "none", role: "img", "aria-label": "advantage trained on, one bar per token; the dashed line is before shaping" });
    full.after.forEach((value, i) => {
      if (value) svg.append(shape("rect", { class: full.planning[i] ? "p" : "", x: i + 0.08, width: 0.84, y: Math.min(y(0), y(value)), height: Math.abs(y(0) - y(value)) }));
    });
    svg.append(shape("path", { class: "z", d: `M0 ${y(0)}H${n}` }));
    if (r.before !== undefined) svg.append(shape("path", { d: `M0 ${y(r.before)}H${n}` }));
    return svg;
  }
  function tree(r) { // lines of nodes up to a fork, and below each the branches that leave it
    const below = r.tree.map(() => []);
    r.tree.forEach(([parent], i) => { if (parent >= 0) below[parent].push(i); });
    const node = (i) => {
      const [, words, value, gain] = r.tree[i];
      return el("span", { class: "node" }, el("span", { class: "free" }, words), value === null ? null : el("small", {}, "V " + short(value)),
        i === 0 ? null : gain === null ? el("small", { title: "not trained on" }, "–") : el("small", { class: gain > 0 ? "ok" : gain < 0 ? "no" : "" }, signed(gain)));
    };
    const line = (i) => {
      const nodes = [node(i)];
      while (below[i].length === 1) nodes.push(" → ", node((i = below[i][0])));
      return el("li", {}, ...nodes, below[i].length ? el("ul", {}, ...below[i].map(line)) : null);
    };
    return el("ul", { class: "tree", tabindex: "0" }, line(0));
  }
  function card(i) {
    const r = rollouts[i], bits = ["step " + r.step, verdict(r)];
    if (r.reward !== undefined) bits.push("reward " + short(r.reward));
    if (r.before !== undefined) bits.push("advantage " + signed(r.before));
    const tokens = unpack(r).ends.length, lit = unpack(r).planning.filter(Boolean).length;
    if (tokens) bits.push(`${lit} of ${tokens} tokens are planning tokens`);
    const title = el("h3", {}, el("span", {}, el("span", { class: "sw a" + (r.arm % data.colours), "aria-hidden": "true" }), el("bdi", {}, ...armName(r.arm))),
      el("small", {}, bits.join(" · ")), el("small", {}, el("bdi", { class: "free" }, [data.runs[r.run], r.name].filter(Boolean).join(" · "))));
    const drawn = strip(r);
    return el("article", { class: "rollout card by-" + state.colour }, title,
      ...(r.prompt === undefined ? [] : [el("p", { class: "label" }, "Prompt"), el("div", { class: "prompt", tabindex: "0" }, data.prompts[r.prompt])]),
      el("p", { class: "label" }, "Response"), el("div", { class: "response" }, ...text(r)),
      ...(r.whole ? [el("p", { class: "note" }, `The first ${r.response.length} of ${r.whole.length} characters are shown. The response ends with: `, el("span", { class: "free" }, "…" + r.whole.end))] : []),
      ...(r.tree ? [el("p", { class: "label" }, "Tree: value of each state, advantage of each action" + (r.nodes ? ` (the first ${r.tree.length} of ${r.nodes} nodes)` : "")), tree(r)] : []),
      ...(r.subgoals ? [el("p", { class: "label" }, "Subgoals"), el("ol", { class: "goals" }, ...r.subgoals.map((words) => el("li", { class: "free" }, words)))] : []),
      ...(drawn ? [el("p", { class: "label" }, "Advantage along the response"), drawn] : []));
  }
  function keys() {
    const sample = (look, name) => el("span", {}, el("span", { class: look }, name));
    const box = el("span", { class: "by-" + state.colour });
    const row = { planning: () => [el("mark", {}, "marked text"), " is planning"],
      advantage: () => [sample("up q5", "positive"), " or ", sample("dn q5", "negative"), " advantage trained on; spans are underlined"],
      entropy: () => [sample("q q1", "low"), " or ", sample("q q6", "high"), " next-token entropy; spans are underlined"],
      labels: () => data.labels.flatMap((name, i) => [sample("l" + (i % 6), name), " "]).concat("as labelled by the task; spans are underlined") };
    box.append(...row[state.colour]());
    key.replaceChildren(box);
  }
  function paint() {
    hideTip();
    keys();
    const i = state.shown[state.at];
    previous.disabled = next.disabled = state.shown.length < 2;
    $$("button", list).forEach((button, at) => {
      if (at === state.at) { button.setAttribute("aria-current", "true"); const box = button.getBoundingClientRect(), frame = list.getBoundingClientRect();
        if (box.top < frame.top || box.bottom > frame.bottom) list.scrollTop += box.top - frame.top - frame.height / 3; } else button.removeAttribute("aria-current");
    });
    if (i === undefined) {
      place.textContent = "0 of " + rollouts.length;
      pair.className = "pair";
      pairing.disabled = true;
      pair.replaceChildren(el("p", { class: "empty card" }, "No rollout matches these filters."));
      return;
    }
    place.textContent = `${state.at + 1} of ${state.shown.length}` + (state.shown.length < rollouts.length ? ` (of ${rollouts.length} shown)` : "");
    const other = twin(i);
    pairing.hidden = data.arms.length < 2;
    pairing.disabled = other === null;
    pairing.title = other === null ? "no other arm has a rollout on this prompt among those shown" : "";
    pairing.setAttribute("aria-pressed", String(state.pair && other !== null));
    pairing.textContent = state.pair && other !== null ? "one at a time" : "side by side with " + (other === null ? "another arm" : data.arms[rollouts[other].arm]);
    const both = state.pair && other !== null;
    pair.className = both ? "pair two" : "pair";
    const cards = both ? [i, other].sort((a, b) => rollouts[a].arm - rollouts[b].arm) : [i];
    pair.replaceChildren(...cards.map(card));
    try { history.replaceState(null, "", "#rollout-" + i); } catch { /* the page has no address of its own */ }
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const radio = event.target.closest("input[type=radio]"); // arrow keys choose among radio buttons; letters have no meaning there
    if (radio ? event.key.startsWith("Arrow") : event.target.closest("input, select, textarea, summary, .scroll, pre")) return;
    const by = { ArrowRight: 1, j: 1, ArrowLeft: -1, k: -1 }[event.key];
    if (by) { move(by); event.preventDefault(); }
    if (event.key === "c") togglePair();
  });
  list.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) { move(by); $$("button", list)[state.at].focus(); event.preventDefault(); }
  });
  for (const cell of $$("#grams .gram")) { // a click on a gram of the table filters the viewer
    const name = cell.textContent;
    cell.replaceChildren(el("button", { type: "button", class: "linkish free", onclick: () => { gram.value = name; filter(); $("#rollouts").scrollIntoView(); } }, name));
  }
  const asked = /^#rollout-(\d+)$/.exec(location.hash);
  if (asked && Number(asked[1]) < rollouts.length) state.at = Number(asked[1]);
  const address = location.hash;
  fill();
  paint();
  if (asked) $("#rollouts").scrollIntoView();
  else try { history.replaceState(null, "", address || location.pathname + location.search); } catch { /* as above */ }
})();

// Draws one rollout: its response with spans lit and tokens coloured, the values of a token, and the advantage along it.
const COLOURS = { planning: "planning", cluster: "cluster", advantage: "advantage", change: "change by shaping", entropy: "entropy", logprob: "log-probability", labels: "exact labels" };
const HUES = 6;

function gramLines(r, covering) {
  return [...new Set(covering.map((span) => span.gram))].flatMap((index) => {
    const { gram, cluster, cluster_df: df, doc_freq: doc } = r.grams[index];
    const parts = [];
    if (known(cluster)) parts.push("cluster " + cluster + (known(df) ? ", in " + short(df) + " solutions" : ""));
    if (known(doc)) parts.push("gram in " + short(doc) + " solutions");
    return [[gram || "planning", ""], ...(parts.length ? [["lexicon", parts.join("; ")]] : [])];
  });
}
function tokenLines(r, token, covering) {
  const full = unpack(r), lines = gramLines(r, covering);
  if (token === null) return lines;
  if (!covering.length) lines.push(["execution token", ""]);
  const after = full.after && full.after[token], at = (column) => full[column] && full[column][token];
  if (known(after)) lines.push(["advantage before", known(r.before) ? signed(r.before) : "–"], ["advantage after", signed(after)]);
  if (known(at("entropies"))) lines.push(["entropy", short(at("entropies")) + " nats"]);
  if (known(at("logprobs"))) lines.push(["log-probability", short(at("logprobs")) + " nats"]);
  if (full.tokenLabels && known(full.tokenLabels[token])) lines.push(["label", r.names[full.tokenLabels[token]]]);
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
// A cluster has the same colour in every rollout, and so has a gram whose cluster is not known.
function hueOf({ gram, cluster }) {
  return (known(cluster) ? cluster : [...gram].reduce((sum, c) => (sum * 31 + c.codePointAt(0)) % 9973, 7)) % HUES;
}
// Returns the classes of a token for a way of colouring: "up" or "dn" for a signed value, "q" for heat, q1 to q6 for how much.
function looksOf(r, full, colour) {
  const level = (value, top) => "q" + Math.max(1, Math.min(6, Math.round((6 * Math.abs(value)) / top)));
  const top = (values) => Math.max(1e-9, ...values.map((value) => Math.abs(value || 0)));
  const signs = (values) => { const most = top(values); return (t) => (values[t] ? [values[t] > 0 ? "up" : "dn", level(values[t], most)] : []); };
  const heat = (values) => { const most = top(values); return (t) => (known(values[t]) && Math.abs(values[t]) >= most / 12 ? ["q", level(values[t], most)] : []); };
  if (colour === "advantage" && full.after) return signs(full.after);
  if (colour === "change" && full.after) return signs(full.after.map((value) => (known(value) && known(r.before) && Math.abs(value - r.before) > 1e-6 ? value - r.before : 0)));
  if (colour === "entropy" && full.entropies) return heat(full.entropies);
  if (colour === "logprob" && full.logprobs) return heat(full.logprobs);
  if (colour === "labels" && full.tokenLabels) return (t) => ["l" + (full.tokenLabels[t] % HUES)];
  return () => [];
}
// Makes the response as nodes: marks around parts of tokens. `different` holds the words that the other response lacks.
function responseNodes(r, colour, different) {
  const full = unpack(r), body = r.response, words = labelsAt(r, full), looks = looksOf(r, full, colour), parts = [...(words || []), ...(different || []), ...full.spans];
  const cuts = new Set([0, body.length, ...full.ends, ...(r.tools || []).map(([at]) => at), ...parts.flatMap((part) => [part.start, part.end])]);
  const points = [...cuts].filter((cut) => cut <= body.length).sort((a, b) => a - b), out = [];
  let token = 0, word = 0, other = 0, open = null, tool = 0;
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
    while (different && other < different.length && different[other].end <= start) other++;
    const has = token < full.ends.length ? token : null;
    const covering = full.spans.filter((span) => span.start < end && start < span.end);
    const piece = el("span", { class: "tok" }, body.slice(start, end));
    if (has !== null) piece.classList.add(...looks(has));
    if (colour === "cluster" && covering.length) piece.classList.add("l" + hueOf(r.grams[covering[0].gram]));
    if (colour === "labels" && words && word < words.length && words[word].start <= start) piece.classList.add("l" + (words[word].label % HUES));
    if (different && other < different.length && different[other].start <= start) piece.classList.add("differs");
    piece.addEventListener("pointerenter", (event) => { const lines = tokenLines(r, has, covering); if (lines.length) showTip(event.clientX, event.clientY, lines); });
    piece.addEventListener("pointerleave", hideTip);
    if (!covering.length) { open = null; out.push(piece); continue; }
    if (!open || !covering.some((span) => open.spans.has(span))) {
      open = { node: el("mark", { tabindex: "0", "aria-describedby": "tip" }), spans: new Set(), token: has };
      const mine = open;
      mine.node.addEventListener("focus", () => {
        if (!mine.node.matches(":focus-visible")) return;
        const box = mine.node.getBoundingClientRect();
        showTip(box.left, box.bottom - 10, tokenLines(r, mine.token, [...mine.spans]));
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
  if (known(r.before)) svg.append(shape("path", { d: `M0 ${y(r.before)}H${n}` }));
  return svg;
}
function tree(r) { // lines of nodes up to a fork, and below each the branches that leave it
  const below = r.tree.map(() => []);
  r.tree.forEach(([parent], i) => { if (parent >= 0) below[parent].push(i); });
  const node = (i) => {
    const [, words, value, gain] = r.tree[i];
    return el("span", { class: "node" }, el("span", { class: "free" }, words), value === null ? null : el("small", {}, "V " + short(value)),
      i === 0 ? null : gain === null ? el("small", { title: "not trained on" }, "–") : el("small", { class: gain > 0 ? "ok" : gain < 0 ? "no" : "" }, "A " + signed(gain)));
  };
  const line = (i) => {
    const nodes = [node(i)];
    while (below[i].length === 1) nodes.push(" → ", node((i = below[i][0])));
    return el("li", {}, ...nodes, below[i].length ? el("ul", {}, ...below[i].map(line)) : null);
  };
  return el("ul", { class: "tree", tabindex: "0" }, line(0));
}

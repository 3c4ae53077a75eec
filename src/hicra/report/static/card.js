// The card of one rollout: who wrote it, the prompt, the answers, the response, and what else belongs to it.
const verdictOf = (r) => (r.correct ? "correct" : r.correct === false ? "wrong" : "correctness unknown");
const swatch = (data, arm) => el("span", { class: "sw a" + (arm % data.colours), "aria-hidden": "true" });

function rolloutCard(data, r, colour, different) {
  const bits = ["step " + r.step, verdictOf(r)];
  if (known(r.reward)) bits.push("score " + short(r.reward));
  if (known(r.before)) bits.push("advantage " + signed(r.before));
  const tokens = unpack(r).ends.length, lit = unpack(r).planning.filter(Boolean).length;
  if (tokens) bits.push(`${lit} of ${tokens} tokens are planning tokens`);
  const title = el("h3", {}, el("span", {}, swatch(data, r.arm), el("bdi", {}, ...breakable(data.arms[r.arm]))),
    el("small", {}, bits.join(" · ")), el("small", {}, el("bdi", { class: "free" }, [data.runs[r.run] === data.arms[r.arm] ? "" : data.runs[r.run], r.name].filter(Boolean).join(" · "))));
  const answers = [["gold answer", r.gold], ["answer found", r.found]].filter(([, text]) => known(text));
  const drawn = strip(r), label = (text) => el("p", { class: "label" }, text);
  return el("article", { class: "rollout card by-" + colour }, title,
    ...(known(r.question) ? [label("Prompt"), el("div", { class: "prompt", tabindex: "0" }, r.question)] : []),
    ...(r.pictures.length ? [label(r.pictures.length > 1 ? "Images of the prompt" : "Image of the prompt"), el("div", { class: "pictures" }, ...r.pictures.map(picture))] : []),
    ...(answers.length ? [el("p", { class: "answers" }, ...answers.flatMap(([name, text]) => [el("span", { class: "label" }, name), " ", el("bdi", { class: "free" }, text), " "]))] : []),
    label("Response"), el("div", { class: "response" }, ...responseNodes(r, colour, different)),
    ...(r.whole ? [el("p", { class: "note" }, `The first ${r.response.length} of ${r.whole.length} characters are shown. The response ends with: `, el("span", { class: "free" }, "…" + r.whole.end))] : []),
    ...(r.tree ? [label("Tree: V is the value of a state, A the advantage of the action that leads to it, – where it is not trained on" + (r.nodes ? ` (the first ${r.tree.length} of ${r.nodes} nodes)` : "")), tree(r)] : []),
    ...(r.subgoals ? [label("Subgoals"), el("ol", { class: "goals" }, ...r.subgoals.map((words) => el("li", { class: "free" }, words)))] : []),
    ...(drawn ? [label("Advantage along the response"), drawn] : []),
    ...(tokens ? [el("p", { class: "saves" }, el("button", { type: "button", class: "linkish", onclick: () => save(fileName("tokens " + (r.name || r.step)) + ".csv", "text/csv", tokenCsv(r)) }, "save tokens as CSV"),
      ...(drawn ? [el("button", { type: "button", class: "linkish", onclick: () => save(fileName("advantage " + (r.name || r.step)) + ".svg", "image/svg+xml", standalone(drawn, 880)) }, "save advantage as SVG")] : []))] : []));
}
function tokenCsv(r) { // one line a token, with every value that is known of it
  const full = unpack(r), at = (column, i) => (full[column] && known(full[column][i]) ? full[column][i] : "");
  const lines = full.ends.map((end, i) => [r.response.slice(i ? full.ends[i - 1] : 0, end), full.planning[i] ? "planning" : "execution", known(r.before) ? r.before : "",
    at("after", i), at("entropies", i), at("logprobs", i)].map((value, column) => (column ? value : quoted(value))).join(","));
  return ["token,kind,advantage_before,advantage_after,entropy,logprob", ...lines].join("\n") + "\n";
}
// Only what the page's maker wrote anew as PNG or JPEG is shown; a click shows an image at its full width.
function picture({ file, src, why, width, height }, i) {
  if (!src || !/^data:image\/(png|jpeg);base64,[\w+/=]+$/.test(src)) return el("p", { class: "note" }, `Image ${i + 1} is not shown, since ${why || "it is no image"}. It lies in `, el("bdi", { class: "free" }, file), ".");
  const name = `image ${i + 1} of the prompt, ${width} by ${height} pixels`;
  return el("button", { type: "button", class: "picture", title: name + "; a click shows it larger", "aria-pressed": "false",
    onclick: ({ currentTarget }) => currentTarget.setAttribute("aria-pressed", String(currentTarget.getAttribute("aria-pressed") !== "true")) }, el("img", { src, alt: name }));
}
function colourKey(colour, names, paired) {
  const sample = (look, name) => el("span", {}, el("span", { class: look }, name));
  const rows = { planning: [el("mark", {}, "marked text"), " is planning"], cluster: ["one colour a cluster of the lexicon; colours repeat"],
    advantage: [sample("up q5", "positive"), " or ", sample("dn q5", "negative"), " advantage trained on; spans are underlined"],
    change: [sample("up q5", "more"), " or ", sample("dn q5", "less"), " advantage than before shaping; spans are underlined"],
    entropy: [sample("q q1", "low"), " or ", sample("q q6", "high"), " next-token entropy; spans are underlined"],
    logprob: [sample("q q1", "likely"), " or ", sample("q q6", "unlikely"), " token; spans are underlined"],
    labels: names.flatMap((name, i) => [sample("l" + (i % HUES), name), " "]).concat("as labelled by the task; spans are underlined") };
  return el("div", { class: "colour-key by-" + colour }, ...rows[colour], ...(paired ? [el("span", {}, el("span", { class: "differs" }, "dotted"), " words are not in the other response")] : []));
}

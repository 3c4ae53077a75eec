// Where rollouts come from: this page itself. view/remote.js has the same three functions for a page that `hicra view` serves.
// find(query) gives {total, rows, page} of one page of the table, whole(at) a rollout, twin(at) the number of its twin or null.
const PAGE = 10;
function ownSource(data) {
  const rollouts = unfold(data), folded = data.grams.map((g) => g.gram.toLowerCase());
  const text = rollouts.map((r) => [r.question, r.response, r.gold, r.found, r.name, data.runs[r.run]].filter(known).join("\n").toLowerCase());
  const grams = rollouts.map((r) => [...new Set(counts(r.spans).filter((_, i) => i % 3 === 2))]);
  const share = rollouts.map((r) => { const { planning, ends } = unpack(r); return ends.length ? planning.filter(Boolean).length / ends.length : null; });
  const rows = rollouts.map((r, at) => ({ at, arm: r.arm, step: r.step, correct: r.correct, question: r.question, gold: r.gold, found: r.found, reward: r.reward,
    length: r.length, share: share[at], more: r.tree ? "tree" : r.subgoals ? "subgoals" : r.images ? "image" : "" }));
  const twins = new Map();
  function twin(at) { // the rollout of another arm on the same question at the nearest step
    if (!twins.has(at)) {
      const r = rollouts[at];
      let best = null;
      // without a prompt, rows of the same name answer the same question
      const same = (other) => (known(r.question) ? other.prompt === r.prompt : !known(other.question) && other.name === r.name);
      if (known(r.question) || r.name) rollouts.forEach((other, j) => {
        if (other.arm === r.arm || !same(other)) return;
        const far = Math.abs(other.step - r.step);
        if (best === null || far < best.far) best = { j, far };
      });
      twins.set(at, best && best.j);
    }
    return twins.get(at);
  }
  function differ(row) {
    const other = twin(row.at);
    return other !== null && known(row.correct) && known(rows[other].correct) && row.correct !== rows[other].correct;
  }
  function find(q) {
    const wanted = q.text.trim().toLowerCase(), gram = q.gram.trim().toLowerCase();
    const outcome = { 1: (row) => row.correct === true, 0: (row) => row.correct === false, unknown: (row) => !known(row.correct), differ }[q.outcome];
    const found = rows.filter((row) => (q.arm === "" || row.arm === Number(q.arm)) && (!outcome || outcome(row)) && (q.from === "" || row.step >= Number(q.from))
      && (q.to === "" || row.step <= Number(q.to)) && (!wanted || text[row.at].includes(wanted)) && (!gram || grams[row.at].some((g) => folded[g].includes(gram))));
    if (q.sort) found.sort((a, b) => compareCells(sortValue(a[q.sort]), sortValue(b[q.sort]), q.down));
    const place = q.around === null ? -1 : found.findIndex((row) => row.at === q.around);
    const page = place >= 0 ? Math.floor(place / PAGE) : Math.min(q.page, Math.max(0, Math.ceil(found.length / PAGE) - 1));
    return Promise.resolve({ total: found.length, page, rows: found.slice(page * PAGE, (page + 1) * PAGE) });
  }
  return { total: rollouts.length, sorts: ["step", "arm", "correct", "question", "gold", "found", "reward", "length", "share"], find, whole: (at) => Promise.resolve(rollouts[at]),
    twin: (at) => Promise.resolve(twin(at)) };
}
// Numbers that are written as text ("12", "1,5") are sorted as numbers, and before words.
function sortValue(value) {
  if (typeof value !== "string") return known(value) ? Number(value) : null;
  return value.trim() !== "" && !Number.isNaN(Number(value)) ? Number(value) : value.toLowerCase();
}

// Where rollouts come from on a page that `hicra view` serves: the program that serves it. The same functions as in source.js.
function servedSource(data) {
  const MOST_KEPT = 40, kept = new Map();
  async function ask(what, parameters) {
    const words = new URLSearchParams(Object.entries(parameters).filter(([, value]) => known(value) && value !== ""));
    const answer = await fetch(what + "?" + words).catch(() => { throw new Error("hicra view does not answer; is it still running?"); });
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.error + (found.fix ? ": " + found.fix : ""));
    return found;
  }
  function get(at) {
    if (!kept.has(at)) {
      kept.set(at, ask("rollout", { at }).then(({ block, twin }) => ({ r: unfold(block)[0], twin })));
      kept.get(at).catch(() => kept.delete(at));
      if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
    }
    return kept.get(at);
  }
  return { total: data.total, sorts: data.sorts, find: (query) => ask("rollouts", query), whole: async (at) => (await get(at)).r, twin: async (at) => (await get(at)).twin };
}

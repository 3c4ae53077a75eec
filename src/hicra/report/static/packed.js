// Unpacks the numbers of a rollout, which encode.py packed.
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
// Gives every rollout of a block what it points to: its prompt, its images, its grams and the names of its labels.
function unfold(block) {
  return block.rollouts.map((r) => Object.assign(r, { question: block.prompts[r.prompt], grams: block.grams, names: block.labels,
    pictures: (r.images || []).map((number) => block.images[number]) }));
}

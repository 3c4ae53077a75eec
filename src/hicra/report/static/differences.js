// Finds the words in which two texts differ: what the longest common run of words, in order, leaves over.
const MOST_PAIRS = 4e6; // pairs of words that are compared; beyond it only the common beginning and end are found
function differences(one, other) {
  const words = (text) => [...text.matchAll(/\S+/g)].map((m) => ({ word: m[0], start: m.index, end: m.index + m[0].length }));
  const a = words(one), b = words(other);
  let from = 0, endA = a.length, endB = b.length;
  while (from < endA && from < endB && a[from].word === b[from].word) from++;
  while (endA > from && endB > from && a[endA - 1].word === b[endB - 1].word) { endA--; endB--; }
  const n = endA - from, m = endB - from, leftA = [], leftB = [];
  if (n * m > MOST_PAIRS) { leftA.push(...a.slice(from, endA)); leftB.push(...b.slice(from, endB)); } else {
    const width = m + 1, common = new Uint16Array((n + 1) * width);
    for (let i = n - 1; i >= 0; i--) for (let j = m - 1; j >= 0; j--) {
      common[i * width + j] = a[from + i].word === b[from + j].word ? common[(i + 1) * width + j + 1] + 1 : Math.max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
    let i = 0, j = 0;
    while (i < n || j < m) {
      if (i < n && j < m && a[from + i].word === b[from + j].word) { i++; j++; }
      else if (j === m || (i < n && common[(i + 1) * width + j] >= common[i * width + j + 1])) leftA.push(a[from + i++]);
      else leftB.push(b[from + j++]);
    }
  }
  return [leftA, leftB];
}

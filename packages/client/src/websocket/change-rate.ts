/**
 * Brings samples to another rate by drawing lines between them: for browsers that record at one rate
 * only, towards servers that take another one only.
 */
export function changeRate(samples: Int16Array, from: number, to: number): Int16Array {
  if (from === to) return samples;
  const length = Math.round((samples.length * to) / from);
  const changed = new Int16Array(length);
  for (let index = 0; index < length; index += 1) {
    const position = (index * from) / to;
    const left = Math.floor(position);
    const before = samples[left] ?? 0;
    const after = samples[left + 1] ?? before;
    changed[index] = Math.round(before + (after - before) * (position - left));
  }
  return changed;
}

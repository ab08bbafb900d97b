/** Two texts as the lines that go and the lines that come, with a little of what stays (as `diff -u`, without line numbers). */

export interface DiffLine {
  readonly kind: 'stays' | 'goes' | 'comes' | 'skipped';
  readonly text: string;
}

const CONTEXT_LINES = 3;
/** Longer texts are compared from both ends only: the table below would be larger than what it saves. */
const MAX_CELLS = 4_000_000;

/** Empty where the texts are the same. */
export function diffLines(before: string, after: string): readonly DiffLine[] {
  if (before === after) return [];
  return withContext(compare(linesOf(before), linesOf(after)));
}

function linesOf(text: string): readonly string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

function compare(before: readonly string[], after: readonly string[]): readonly DiffLine[] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  const middle = longestCommon(before.slice(head, before.length - tail), after.slice(head, after.length - tail));
  return [
    ...asLines('stays', before.slice(0, head)),
    ...middle,
    ...asLines('stays', before.slice(before.length - tail)),
  ];
}

/** By the longest common subsequence: `lengths[i][j]` is that of what follows i and j. */
function longestCommon(before: readonly string[], after: readonly string[]): readonly DiffLine[] {
  if (before.length * after.length > MAX_CELLS) return [...asLines('goes', before), ...asLines('comes', after)];
  const width = after.length + 1;
  const lengths = new Uint32Array((before.length + 1) * width);
  const at = (i: number, j: number): number => lengths[i * width + j] ?? 0;
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] = before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    const [left, right] = [before[i], after[j]];
    if (left !== undefined && left === right) {
      lines.push({ kind: 'stays', text: left });
      i += 1;
      j += 1;
    } else if (left !== undefined && (right === undefined || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ kind: 'goes', text: left });
      i += 1;
    } else if (right !== undefined) {
      lines.push({ kind: 'comes', text: right });
      j += 1;
    }
  }
  return lines;
}

function withContext(lines: readonly DiffLine[]): readonly DiffLine[] {
  const changed = lines.flatMap(({ kind }, at) => (kind === 'stays' ? [] : [at]));
  const isNear = new Set(
    changed.flatMap((at) => Array.from({ length: 2 * CONTEXT_LINES + 1 }, (_, offset) => at - CONTEXT_LINES + offset)),
  );
  return lines.flatMap((line, at): readonly DiffLine[] => {
    if (isNear.has(at)) return [line];
    return isNear.has(at + 1) || at === lines.length - 1 ? [{ kind: 'skipped', text: '…' }] : [];
  });
}

function asLines(kind: DiffLine['kind'], texts: readonly string[]): readonly DiffLine[] {
  return texts.map((text) => ({ kind, text }));
}

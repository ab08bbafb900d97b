/** `*` and `?` in values of policies, matched in a time that grows with the product of the lengths at worst: no pattern can stall us. */

/** `*`: any characters, also none; `?`: exactly one. */
export function isLike(given: string, pattern: string): boolean {
  const text = Array.from(given);
  const wanted = Array.from(pattern);
  let at = 0;
  let here = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    if (wanted[here] === '*') {
      star = here++;
      resume = at;
    } else if (here < wanted.length && (wanted[here] === '?' || wanted[here] === text[at])) {
      here += 1;
      at += 1;
    } else if (star >= 0) {
      // The last star takes one character more; earlier ones never need to.
      here = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  while (wanted[here] === '*') here += 1;
  return here === wanted.length;
}

const ARN_PARTS = 6;

/** Part by part: a star in one part of an ARN does not reach into the next. */
export function isArnLike(given: string, pattern: string): boolean {
  const text = partsOf(given);
  const wanted = partsOf(pattern);
  if (text.length !== ARN_PARTS || wanted.length !== ARN_PARTS) return false;
  return wanted.every((part, at) => isLike(text[at] ?? '', part));
}

function partsOf(arn: string): readonly string[] {
  const parts = arn.split(':');
  return parts.length < ARN_PARTS ? parts : [...parts.slice(0, ARN_PARTS - 1), parts.slice(ARN_PARTS - 1).join(':')];
}

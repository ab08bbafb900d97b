/**
 * `make`, which says nothing but its parts: whoever asks for the same twice running gets the very same text, and V8 finds that in a Map by what it
 * is. A text made anew would be put together, hashed and looked for among all texts first; an exchange would do that for each shard it reads.
 */
export function sameText(make: (one: string, two: string, three: string) => string): typeof make {
  let text: string | undefined;
  let lastOne = '';
  let lastTwo = '';
  let lastThree = '';
  return (one, two, three) => {
    if (text !== undefined && one === lastOne && two === lastTwo && three === lastThree) return text;
    text = make(one, two, three);
    lastOne = one;
    lastTwo = two;
    lastThree = three;
    return text;
  };
}

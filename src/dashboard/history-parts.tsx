/** What the pages of the history share: whether the chain is intact, and two sides of one row. */
import type { JsonObject, JsonValue } from '../core/json.ts';
import { visible } from './format.ts';
import { Badge, Empty } from './layout.tsx';
import { listAt, objectAt, textAt } from './rest.ts';

/** Of one side of one row: a policy may have a megabyte, a page may not. */
const MAX_SHOWN_CHARACTERS = 12_000;

export function Integrity({ of }: { of: JsonObject }) {
  if (textAt(of, 'integrity') === 'INTACT') return <Badge tone="good">chain intact</Badge>;
  return (
    <>
      <Badge tone="bad">chain in doubt</Badge>{' '}
      {listAt(of, 'faults')
        .slice(0, 5)
        .map((fault) => visible(`${textAt(fault, 'sequence')} ${textAt(fault, 'description')}`))
        .join('; ')}
    </>
  );
}

export function Sides({ of }: { of: JsonObject }) {
  return (
    <div class="diff">
      {(['before', 'after'] as const).map((side) => (
        <div>
          <h3>{side === 'before' ? 'Before' : 'After'}</h3>
          {of[side] === undefined ? (
            <Empty>It was not there.</Empty>
          ) : (
            <pre tabindex={0} aria-label={side}>
              {shownJson(objectAt(of, side))}
            </pre>
          )}
        </div>
      ))}
    </div>
  );
}

/** Line breaks of the layout stay, everything hidden inside of texts is made visible. */
function shownJson(document: JsonValue): string {
  const lines = JSON.stringify(document, null, 2).slice(0, MAX_SHOWN_CHARACTERS).split('\n');
  return lines.map((line) => visible(line, 2_000)).join('\n');
}

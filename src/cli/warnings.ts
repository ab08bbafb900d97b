/** What the broker has to say about a change that it made: on stderr, so that it is seen whatever is piped on. */
import { isResource, type Resource } from '../client/administration.ts';
import { paintFor, visible } from './terminal.ts';
import type { CliWorld } from './world.ts';

/** Of an answer, or of the operation that it is. */
function warningsOf({ warnings, metadata }: Resource): readonly string[] {
  const found = warnings ?? (isResource(metadata) ? metadata['warnings'] : undefined);
  return Array.isArray(found) ? found.filter((one) => typeof one === 'string') : [];
}

export function tellWarnings(world: CliWorld, answer: Resource): void {
  const paint = paintFor(world.stderr, world.env);
  for (const warning of warningsOf(answer)) world.stderr.write(`${paint('yellow', 'warning:')} ${visible(warning)}\n`);
}

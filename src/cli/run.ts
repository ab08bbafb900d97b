/** One command from its arguments to its exit code; every fault is printed here and nowhere else. */
import { CommanderError } from 'commander';
import { EXIT } from './exit-codes.ts';
import { CliFault } from './fault.ts';
import { createProgram } from './program.ts';
import { paintFor, visible, visibleLines } from './terminal.ts';
import type { CliWorld } from './world.ts';

export async function run(argv: readonly string[], world: CliWorld): Promise<number> {
  try {
    await createProgram(world).parseAsync(argv, { from: 'user' });
    return world.exitCode;
  } catch (fault) {
    return report(fault, world);
  }
}

function report(fault: unknown, world: CliWorld): number {
  // Commander has said what is wrong; help that was asked for is no fault.
  if (fault instanceof CommanderError) return fault.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const told = fault instanceof CliFault ? fault : networkFault(fault);
  const paint = paintFor(world.stderr, world.env);
  world.stderr.write(`${paint('red', 'edge-sts:')} ${visible(told.message)}\n`);
  for (const line of told.lines) world.stderr.write(`  ${visibleLines(line)}\n`);
  return told.exitCode;
}

/** What `fetch` throws says why in its cause; anything else is a fault of this program. */
function networkFault(fault: unknown): CliFault {
  if (!(fault instanceof Error)) return new CliFault(EXIT.fault, String(fault));
  if (fault.name === 'TimeoutError') return new CliFault(EXIT.unavailable, 'The broker did not answer in time.');
  if (fault instanceof TypeError && fault.message === 'fetch failed') {
    const { cause } = fault;
    const why = cause instanceof Error ? cause.message || ('code' in cause ? String(cause.code) : cause.name) : '';
    return new CliFault(EXIT.unavailable, `The broker cannot be reached${why === '' ? '.' : `: ${why}`}`, [
      'Which broker is asked: edge-sts whoami --help. The local one is started by: npm start',
    ]);
  }
  return new CliFault(EXIT.fault, `Fault in edge-sts: ${fault.message}`, fault.stack?.split('\n').slice(1, 4) ?? []);
}

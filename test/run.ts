/** `npm test`: all of vitest's projects and a search of all that they logged, then one plain last line, so that a run that executed nothing shows. */
import { fileURLToPath } from 'node:url';
import { runVitest } from './support/node/run-vitest.ts';
import { withLogs } from './support/node/tally.ts';

const config = fileURLToPath(new URL('vitest.config.ts', import.meta.url));
const args = process.argv.slice(2);
const { tally, logs } = await runVitest(config, args, 'inherit');
const { line, ok, complaints } = withLogs(tally, logs, args.length === 0);
for (const complaint of complaints) process.stdout.write(`in the logs: ${complaint}\n`);
process.stdout.write(`logs searched: ${logs.lines} lines\n${line}\n`);
process.exitCode = ok ? 0 : 1;

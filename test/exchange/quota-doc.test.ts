/** Runs the quota commands of README.md and docs/design/quota-review.md as they stand there: variables, quotes and all, but for the shell. */
import { expect, it } from 'vitest';
import readme from '../../README.md?raw';
import reviewDoc from '../../docs/design/quota-review.md?raw';
import { addCluster, createProject, must } from '../support/broker.ts';

const DAY_MS = 86_400_000;

/** The first block of shell after this heading. */
function shellAfter(heading: string, text: string): string {
  const section = text.slice(text.indexOf(`\n${heading}\n`));
  return /^```sh\n(.*?)^```$/ms.exec(section)?.[1] ?? '';
}

interface Curl {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

/** As a shell would read it, of what these blocks use of one. */
function curlsOf(block: string, variables: Readonly<Record<string, string>>): readonly Curl[] {
  const known: Record<string, string> = { ...variables };
  const filled = (text: string): string =>
    text.replaceAll(
      /\$(?:\{([A-Z]+)#[^}]*\}|([A-Z]+))/g,
      (whole, cut?: string, name?: string) => known[cut ?? name ?? ''] ?? whole,
    );
  const commands = block.replaceAll(/^#.*\n/gm, '').split(/\n(?=[A-Z]+=|curl )/);
  return commands.flatMap((command): readonly Curl[] => {
    const set = /^([A-Z]+)=(\S+)/.exec(command);
    if (set !== null) {
      const [, name = '', value = ''] = set;
      known[name] ??= filled(value.replaceAll("'", ''));
      return [];
    }
    const [, address = ''] = /"(\$P[^"]*)"/.exec(command) ?? [];
    // What stands outside of the single quotes, `'$NAME'` and `'${NAME#…}'`, is filled in; the rest is as it is.
    const [, data] = / -d '(.*)' \| jq/s.exec(command) ?? [];
    const body: unknown = data === undefined ? undefined : JSON.parse(filled(data).replaceAll("'", ''));
    const [, method = body === undefined ? 'GET' : 'POST'] = / -X ([A-Z]+)/.exec(command) ?? [];
    return [{ method, path: filled(address), body }];
  });
}

it.each([
  ['README.md', '### Quota by hand', readme, 6],
  ['docs/design/quota-review.md', '## The shape', reviewDoc, 4],
])('%s: the commands under "%s" work as they stand there', async (_file, heading, text, count) => {
  const project = await createProject();
  const cluster = await addCluster(project);
  const block = shellAfter(heading, text).replaceAll('123456789012', project.number);
  // What the shell's own `date` would say, and the provider without what `${…#…}` takes off.
  expect(block).toContain("UNTIL=$(date -ud '+2 days' +%FT%TZ)");
  const UNTIL = new Date(Date.now() + 2 * DAY_MS).toISOString().replace(/\.\d+/, '');
  const curls = curlsOf(block, { STS: '', PROVIDER: cluster.name, UNTIL });
  expect(curls).toHaveLength(count);
  const answers = [];
  for (const { method, path, body } of curls) answers.push(await must(method, path, body));
  expect(answers).toContainEqual(
    expect.objectContaining({
      state: expect.stringMatching(/^GRANTED/),
      expireTime: expect.stringContaining(UNTIL.slice(0, 19)),
    }),
  );
  const { tokenExchangesPerMinute } = await must('GET', `/v1/projects/${project.number}`);
  expect(tokenExchangesPerMinute).toBeGreaterThan(6_000);
});

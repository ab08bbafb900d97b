/** The page in which a policy is edited stays as small as every other, whatever the policy holds: what is too large for it is the command line's. */
import { expect, it } from 'vitest';
import { createProject, setPolicy } from '../support/broker.ts';
import { signIn } from '../support/dashboard.ts';

const MAX_PAGE_BYTES = 100 * 1_024;

it('a policy that is too large to be edited in a page is not put into one', async () => {
  const project = await createProject();
  const tab = await signIn();
  const path = `/projects/${project.id}/policy/rehearse`;
  const membersOf = (count: number) =>
    Array.from({ length: count }, (_, at) => `user:somebody-with-a-long-name-${at}@example.com`);
  for (const [count, isShown] of [
    [100, true],
    [1_400, false],
  ] as const) {
    const bindings = [{ role: 'roles/iam.securityReviewer', members: membersOf(count) }];
    await setPolicy(`/v1/projects/${project.id}`, bindings);
    for (const page of [
      await tab.get(path),
      await tab.post(path, { policy: JSON.stringify({ version: 3, bindings }, null, 2), target: '' }),
    ]) {
      expect(page.status).toBe(200);
      expect(new TextEncoder().encode(page.html).length).toBeLessThan(MAX_PAGE_BYTES);
      expect(page.html.includes('<textarea')).toBe(isShown);
      expect(page.html.includes('too large to be edited')).toBe(!isShown);
    }
  }
});

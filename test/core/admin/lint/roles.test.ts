/** Roles on a target that open nothing there. */
import { describe, expect, it } from 'vitest';
import { furnished, ON_PROJECT, ON_TARGET, QUOTAS, READER, SOMEBODY, warningsOf } from './support.ts';

describe('a role that opens no target, on a target', () => {
  it.each([
    [QUOTAS, SOMEBODY],
    [QUOTAS, 'user:a@example.com'],
    ['roles/iam.workloadIdentityUser', 'user:a@example.com'],
    ['roles/sts.targetViewer', SOMEBODY],
  ])('%s for %s is told', (role, member) => {
    expect(warningsOf(furnished(), [{ role, members: [member] }], ON_TARGET)).toEqual([
      expect.stringMatching(/^bindings\[0\]\.role: .* opens no target/),
    ]);
    expect(warningsOf(furnished(), [{ role, members: [member] }], ON_PROJECT)).toEqual([]);
  });

  it.each([
    [READER, SOMEBODY],
    ['projects/100000000001/roles/reader', SOMEBODY],
    ['roles/sts.targetViewer', 'user:a@example.com'],
    ['roles/owner', 'user:a@example.com'],
  ])('%s for %s is not', (role, member) => {
    expect(warningsOf(furnished(), [{ role, members: [member] }], ON_TARGET)).toEqual([]);
  });

  it('is not looked at without members: such a binding is dropped', () => {
    expect(warningsOf(furnished(), [{ role: QUOTAS, members: [] }], ON_TARGET)).toEqual([]);
  });
});

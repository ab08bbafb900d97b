/** An own limit is counted by a principal's name: one that no token ever has would be a limit that limits nobody. */
import { expect, it } from 'vitest';
import type { Command } from '../../../src/core/admin/commands.ts';
import { Administered, fieldsOf } from '../../support/administer.ts';

const POOL =
  'principal://iam.googleapis.com/projects/100000000001/locations/global/workloadIdentityPools/demo.svc.id.goog';
const limiting = (subject: string): Command => ({
  type: 'project.patch',
  input: { ownLimits: [{ principal: `${POOL}/subject/${subject}`, tokenExchangesPerMinute: 1 }] },
  mask: ['ownLimits'],
});

it.each([
  'system:serviceaccount:default:robot',
  'ns/default/sa/',
  'ns//sa/robot',
  'ns/default/sa/robot/',
  'NS/default/sa/robot',
  'ns/default/sa/robot ',
  'ns%2Fdefault%2Fsa%2Frobot',
  'robot',
])('in the pool of clusters the subject %j is refused: no token has it', (subject) => {
  expect(fieldsOf(new Administered().refuse(limiting(subject)))).toEqual(['ownLimits[0].principal']);
});

it('in the pool of clusters a ServiceAccount’s own name is taken', () => {
  const project = new Administered();
  project.do(limiting('ns/default/sa/robot.v2'));
  expect(project.state.project().ownLimits).toHaveLength(1);
});

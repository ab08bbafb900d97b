/** Every attribute and function of Google's reference for conditions: what it means here, or that it has no meaning here and grants nothing. */
import { describe, expect, test } from 'vitest';
import { variablesOf, WORKLOAD, type Declared } from '../../../src/core/policy/declarations.ts';
import { RECEIVERS } from '../../../src/core/policy/resource-functions.ts';
import { TIME_GETTERS } from '../../../src/core/policy/time-functions.ts';
import { atTime } from './support.ts';

/** What is true of RESOURCE at NOON, what is false of it, and what is an error. */
interface Meaning {
  readonly holds: readonly string[];
  readonly fails: readonly string[];
  readonly errs: readonly string[];
}

const NAMELESS = { tags: {}, tagIds: {} };

const AVAILABLE: Readonly<Record<string, Meaning>> = {
  'resource.service': {
    holds: [`resource.service == 'storage.googleapis.com'`, `resource.service != 'compute.googleapis.com'`],
    fails: [`resource.service == 'compute.googleapis.com'`, `resource.service != 'storage.googleapis.com'`],
    errs: [`resource.service == resource.name.split('/')[99]`],
  },
  'resource.type': {
    holds: [`resource.type == 'storage.googleapis.com/Object'`, `resource.type != 'storage.googleapis.com/Bucket'`],
    fails: [`resource.type == 'storage.googleapis.com/Bucket'`, `resource.type != 'storage.googleapis.com/Object'`],
    errs: [`resource.type == resource.name.split('/')[99]`],
  },
  'resource.name': {
    holds: [
      `resource.name == 'projects/_/buckets/acme/objects/x'`,
      `resource.name != 'projects/_/buckets/acme/objects/y'`,
      `resource.name.startsWith('projects/_/buckets/acme/')`,
      `resource.name.endsWith('/x')`,
      `resource.name.extract('buckets/{bucket}/') == 'acme'`,
    ],
    fails: [
      `resource.name == '/projects/_/buckets/acme/objects/x'`,
      `resource.name.startsWith('buckets')`,
      `resource.name.endsWith('/X')`,
      `resource.name.extract('buckets/{bucket}/') == 'other'`,
    ],
    errs: [`resource.name.startsWith(resource.name.split('/')[99])`],
  },
  hasTagKey: {
    holds: [`resource.hasTagKey('123/env')`],
    fails: [`resource.hasTagKey('123/team')`, `resource.hasTagKey('tagKeys/1')`],
    errs: [`resource.hasTagKey(resource.name.split('/')[99])`],
  },
  hasTagKeyId: {
    holds: [`resource.hasTagKeyId('tagKeys/1')`],
    fails: [`resource.hasTagKeyId('tagKeys/2')`, `resource.hasTagKeyId('123/env')`],
    errs: [`resource.hasTagKeyId(resource.name.split('/')[99])`],
  },
  matchTag: {
    holds: [`resource.matchTag('123/env', 'prod')`],
    fails: [`resource.matchTag('123/env', 'dev')`, `resource.matchTag('124/env', 'prod')`],
    errs: [`resource.matchTag('123/env', resource.name.split('/')[99])`],
  },
  matchTagId: {
    holds: [`resource.matchTagId('tagKeys/1', 'tagValues/2')`],
    fails: [`resource.matchTagId('tagKeys/1', 'tagValues/3')`, `resource.matchTagId('123/env', 'prod')`],
    errs: [`resource.matchTagId('tagKeys/1', resource.name.split('/')[99])`],
  },
  'request.time': {
    holds: [
      `request.time < timestamp('2026-03-10T12:00:01Z')`,
      `request.time <= timestamp('2026-03-10T12:00:00Z')`,
      `request.time > timestamp('2026-03-10T11:59:59Z')`,
      `request.time >= timestamp('2026-03-10T13:00:00+01:00')`,
      `request.time + duration('1h') == timestamp('2026-03-10T13:00:00Z')`,
      `request.time - duration('1h') == timestamp('2026-03-10T11:00:00Z')`,
    ],
    fails: [
      `request.time < timestamp('2026-03-10T12:00:00Z')`,
      `request.time <= timestamp('2026-03-10T11:59:59Z')`,
      `request.time > timestamp('2026-03-10T12:00:00Z')`,
      `request.time >= timestamp('2026-03-10T12:00:01Z')`,
    ],
    errs: [`timestamp('9999-12-31T23:59:59Z') + duration('1h') > request.time`],
  },
  date: {
    holds: [`request.time > date('2026-03-10')`, `date('2024-02-29') == timestamp('2024-02-29T00:00:00Z')`],
    fails: [`request.time < date('2026-03-10')`],
    errs: [`date(resource.name) < request.time`, `date('2026-02-' + '29') < request.time`],
  },
  timestamp: {
    holds: [`request.time == timestamp('2026-03-10T12:00:00Z')`, `request.time == timestamp(1773144000)`],
    fails: [`request.time == timestamp('2026-03-10T12:00:00.001Z')`],
    // A timestamp that cannot be read never grants, whichever way it is compared.
    errs: [`request.time < timestamp(resource.name)`, `request.time >= timestamp(resource.name)`],
  },
  duration: {
    holds: [`request.time - date('2026-03-10') == duration('12h')`, `duration('90s') == duration('1m30s')`],
    fails: [`request.time - date('2026-03-10') < duration('43200s')`],
    errs: [`request.time - date('2026-03-10') > duration(resource.name)`],
  },
  extract: {
    holds: [`resource.name.extract('objects/{rest}') == 'x'`, `resource.name.extract('nowhere/{rest}') == ''`],
    fails: [`resource.name.extract('objects/{rest}') == 'y'`],
    errs: [`resource.name.extract(resource.type) == ''`],
  },
  getAttribute: {
    holds: [
      `api.getAttribute('storage.googleapis.com/objectListPrefix', '') == ''`,
      `api.getAttribute('aiplatform.googleapis.com/memoryScope', {}) == {}`,
      `api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly(['roles/viewer'])`,
    ],
    fails: [`api.getAttribute('storage.googleapis.com/objectListPrefix', 'a/').startsWith('b/')`],
    errs: [`api.getAttribute('storage.googleapis.com/objectListPrefix', resource.name.split('/')[99]) == ''`],
  },
  hasOnly: {
    holds: [`['roles/a', 'roles/b'].hasOnly(['roles/a', 'roles/b', 'roles/c'])`, `[].hasOnly([])`],
    fails: [`['roles/a', 'roles/d'].hasOnly(['roles/a', 'roles/b', 'roles/c'])`],
    errs: [`api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', 'none').hasOnly(['roles/a'])`],
  },
  getFullYear: getter('getFullYear', 2026, 2026),
  getMonth: getter('getMonth', 2, 2),
  getDate: getter('getDate', 10, 11),
  getDayOfMonth: getter('getDayOfMonth', 9, 10),
  getDayOfWeek: getter('getDayOfWeek', 2, 3),
  getDayOfYear: getter('getDayOfYear', 68, 69),
  getHours: getter('getHours', 12, 1),
  getMinutes: getter('getMinutes', 0, 45),
  getSeconds: getter('getSeconds', 0, 0),
  getMilliseconds: getter('getMilliseconds', 0, 0),
};

/** In the Chatham Islands it is 13 hours and 45 minutes later at NOON: a day later, by summer time. */
function getter(name: string, utc: number, chatham: number): Meaning {
  return {
    holds: [
      `request.time.${name}() == ${utc}`,
      `request.time.${name}('UTC') == ${utc}`,
      `request.time.${name}('Pacific/Chatham') == ${chatham}`,
      `request.time.${name}('+13:45') == ${chatham}`,
    ],
    fails: [
      `request.time.${name}() == ${utc + 1}`,
      `request.time.${name}('Pacific/Chatham') != ${chatham}`,
      `request.time.${name}('+13:45') > ${chatham}`,
    ],
    errs: [`request.time.${name}(resource.name) >= 0`, `request.time.${name}('+13:' + '99') >= 0`],
  };
}

/** Storable, so that a policy may be brought along; nobody here knows them, so neither they nor their negation grant. */
const UNAVAILABLE: Readonly<Record<string, readonly string[]>> = {
  'principal.type': [
    `principal.type == 'iam.googleapis.com/WorkloadPoolIdentity'`,
    `principal.type != 'iam.googleapis.com/ServiceAccount'`,
    `principal.type in ['iam.googleapis.com/WorkloadPoolIdentity']`,
  ],
  'principal.subject': [
    `principal.subject == 'ns/a/sa/b'`,
    `principal.subject != 'x'`,
    `principal.subject in ['ns/a/sa/b']`,
    `principal.subject.startsWith('ns/')`,
    `principal.subject.endsWith('/b')`,
  ],
  'request.auth.access_levels': [
    `'accessPolicies/1/accessLevels/x' in request.auth.access_levels`,
    `!('accessPolicies/1/accessLevels/x' in request.auth.access_levels)`,
  ],
  'request.path': [`request.path == '/'`, `request.path.startsWith('/a')`, `!request.path.endsWith('/a')`],
  'request.host': [`request.host == 'a.example'`, `!request.host.endsWith('.example')`],
  'destination.ip': [`destination.ip == '10.0.0.1'`, `destination.ip != '10.0.0.1'`],
  'destination.port': [
    `destination.port == 22`,
    `destination.port != 22`,
    `destination.port < 1024 || destination.port >= 1024`,
    `destination.port <= 22`,
    `destination.port > 22`,
  ],
  isForwardingRuleCreationOperation: [
    `compute.isForwardingRuleCreationOperation()`,
    `!compute.isForwardingRuleCreationOperation()`,
  ],
  matchLoadBalancingSchemes: [
    `compute.matchLoadBalancingSchemes(['INTERNAL', 'INTERNAL_MANAGED'])`,
    `!compute.isForwardingRuleCreationOperation() || compute.matchLoadBalancingSchemes(['INTERNAL'])`,
  ],
};

describe.each(Object.entries(AVAILABLE))('%s', (_name, { holds, fails, errs }) => {
  test.each(holds)('%s holds', (source) => {
    expect(atTime(source)).toEqual({ ok: true, value: true });
  });
  test.each(fails)('%s fails', (source) => {
    expect(atTime(source)).toEqual({ ok: true, value: false });
  });
  test.each(errs)('%s is an error, and so is its negation', (source) => {
    expect(atTime(source).ok).toBe(false);
    expect(atTime(`!(${source})`).ok).toBe(false);
  });
});

test.each(['name', 'type', 'service'])('resource.%s is an error where the resource has none', (member) => {
  expect(atTime(`resource.${member} == 'x'`, 0, NAMELESS).ok).toBe(false);
  expect(atTime(`resource.${member} != 'x'`, 0, NAMELESS).ok).toBe(false);
});

describe.each(Object.entries(UNAVAILABLE))('%s has no meaning here', (_name, sources) => {
  test.each(sources)('%s can be stored and is an error', (source) => {
    expect(atTime(source).ok).toBe(false);
    expect(atTime(`!(${source})`).ok).toBe(false);
    // What does not depend on it is settled without it.
    expect(atTime(`resource.matchTag('123/env', 'prod') || ${source}`)).toEqual({ ok: true, value: true });
  });
});

test('nothing that a condition of a binding may name is missing above', () => {
  const declared = [...variablesOf('binding')].flatMap(([name, type]) => leaves(name, type));
  const known = [...declared, ...RECEIVERS.keys(), ...TIME_GETTERS.keys()];
  const rows = [...Object.keys(AVAILABLE), ...Object.keys(UNAVAILABLE)];
  expect(known.filter((name) => !rows.includes(name))).toEqual([]);
  expect(rows.length).toBe(known.length + ['date', 'timestamp', 'duration', 'extract', 'hasOnly'].length);
});

/** Who asks is of our own making, and has a test file of its own. */
function leaves(name: string, type: Declared): readonly string[] {
  if (typeof type === 'string') return [name];
  return type === WORKLOAD ? [] : [...type].flatMap(([member, inner]) => leaves(`${name}.${member}`, inner));
}

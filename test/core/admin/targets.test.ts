/** Targets: every field's rule, the unique uri, and that a deleted target's grants do not come back. */
import { describe, expect, it } from 'vitest';
import type { TargetInput } from '../../../src/core/admin/commands.ts';
import { policyEtag } from '../../../src/core/admin/policies.ts';
import { Administered, fieldsOf } from '../../support/administer.ts';

const URI = 'https://api.example.com';
const create = (input: TargetInput, targetId = 'api') => ({ type: 'target.create', targetId, input }) as const;
const patch = (input: TargetInput, ...mask: string[]) =>
  ({ type: 'target.patch', targetId: 'api', input, mask }) as const;

describe('target.create', () => {
  it('makes a target, with the defaults', () => {
    const applied = new Administered().do(create({ uri: URI }));
    expect(applied.answer).toEqual({
      kind: 'target',
      target: {
        targetId: 'api',
        uid: 'uid-2-1',
        uri: URI,
        displayName: '',
        resource: {},
        tags: {},
        tagIds: {},
        tokenSigningAlg: 'ES256',
        tokenType: 'at+jwt',
        maxLifetimeSeconds: 3_600,
        allowedScopes: [],
        createTime: '2026-01-01T00:00:02.000Z',
        updateTime: '2026-01-01T00:00:02.000Z',
        version: 2,
      },
    });
    expect(applied.shards).toEqual(['target:100000000001/api', 'project:100000000001']);
  });

  it('makes a target with everything in it', () => {
    const input: TargetInput = {
      uri: 'urn:example:api',
      displayName: 'API',
      resource: { name: 'projects/_/buckets/b', type: 'storage.googleapis.com/Bucket', service: '' },
      tags: { '1234567890/env': 'prod', constructor: 'x' },
      tagIds: { 'tagKeys/1': 'tagValues/2' },
      tokenSigningAlg: 'RS256',
      tokenType: 'JWT',
      maxLifetime: '43200s',
      allowedScopes: ['read', 'write', 'read', 'https://www.googleapis.com/auth/cloud-platform'],
    };
    expect(new Administered().do(create(input)).answer).toMatchObject({
      target: {
        resource: { name: 'projects/_/buckets/b', type: 'storage.googleapis.com/Bucket' },
        tags: input.tags,
        tagIds: input.tagIds,
        tokenSigningAlg: 'RS256',
        tokenType: 'JWT',
        maxLifetimeSeconds: 43_200,
        allowedScopes: ['read', 'write', 'https://www.googleapis.com/auth/cloud-platform'],
      },
    });
  });

  it('keeps no empty resource member: to conditions it must be unavailable', () => {
    const { answer } = new Administered().do(create({ uri: URI, resource: { name: '', type: 'a/B' } }));
    expect(answer).toMatchObject({ target: { resource: { type: 'a/B' } } });
    expect(JSON.stringify(answer)).not.toContain('"name"');
  });

  it.each(['', 'a', 'ab', '1ab', 'Abc', 'ab-', 'a_b', 'a'.repeat(64)])('refuses the id %j', (targetId) => {
    expect(fieldsOf(new Administered().refuse(create({ uri: URI }, targetId)))).toEqual(['targetId']);
  });

  it.each(['api', 'a-1', 'a'.repeat(63)])('accepts the id %j', (targetId) => {
    new Administered().do(create({ uri: URI }, targetId));
  });

  it.each<[string, TargetInput, string]>([
    ['no uri', {}, 'uri'],
    ['a relative uri', { uri: 'api' }, 'uri'],
    ['a uri that begins with //', { uri: '//iam.googleapis.com/x' }, 'uri'],
    ['a uri with a fragment', { uri: `${URI}/#a` }, 'uri'],
    ['a uri with a blank', { uri: `${URI}/a b` }, 'uri'],
    ['a uri with a newline', { uri: `${URI}\n` }, 'uri'],
    ['a uri that is not ASCII', { uri: 'https://exämple.com' }, 'uri'],
    ['a uri without //', { uri: 'https:api.example.com' }, 'uri'],
    ['a long uri', { uri: `${URI}/${'a'.repeat(2_000)}` }, 'uri'],
    ['a long name', { uri: URI, displayName: 'x'.repeat(33) }, 'displayName'],
    ['a long resource name', { uri: URI, resource: { name: 'x'.repeat(1_025) } }, 'resource.name'],
    ['a control character in the resource', { uri: URI, resource: { type: 'a\nb' } }, 'resource.type'],
    ['an empty tag key', { uri: URI, tags: { '': 'a' } }, 'tags'],
    ['an empty tag value', { uri: URI, tags: { a: '' } }, 'tags.a'],
    ['a long tag value', { uri: URI, tags: { a: 'x'.repeat(257) } }, 'tags.a'],
    ['a long tag key', { uri: URI, tags: { ['x'.repeat(257)]: 'a' } }, 'tags'],
    ['51 tags', { uri: URI, tags: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, 'v'])) }, 'tags'],
    ['the tag __proto__', { uri: URI, tags: JSON.parse('{"__proto__":"a"}') as Record<string, string> }, 'tags'],
    ['a tag key id by name', { uri: URI, tagIds: { env: 'tagValues/1' } }, 'tagIds'],
    ['a tag value id by name', { uri: URI, tagIds: { 'tagKeys/1': 'prod' } }, 'tagIds.tagKeys/1'],
    ['a short lifetime', { uri: URI, maxLifetime: '59s' }, 'maxLifetime'],
    ['a long lifetime', { uri: URI, maxLifetime: '43201s' }, 'maxLifetime'],
    ['a scope with a blank', { uri: URI, allowedScopes: ['a', 'b c'] }, 'allowedScopes[1]'],
    ['a scope with a quote', { uri: URI, allowedScopes: ['"'] }, 'allowedScopes[0]'],
    ['an empty scope', { uri: URI, allowedScopes: [''] }, 'allowedScopes[0]'],
    ['101 scopes', { uri: URI, allowedScopes: Array.from({ length: 101 }, (_, i) => `s${i}`) }, 'allowedScopes'],
  ])('refuses %s', (_name, input, field) => {
    expect(fieldsOf(new Administered().refuse(create(input)))).toEqual([field]);
  });

  it.each(['api://AzureADTokenExchange', 'urn:x:y', 'https://iam.googleapis.com/projects/1/x?a=b'])(
    'accepts the uri %s',
    (uri) => {
      new Administered().do(create({ uri }));
    },
  );

  it('refuses an id and a uri that are taken', () => {
    const project = new Administered();
    project.do(create({ uri: URI }));
    expect(project.refuse(create({ uri: 'https://b.example' }))).toEqual({
      tag: 'already_exists',
      resource: 'projects/100000000001/targets/api',
    });
    expect(project.refuse(create({ uri: URI }, 'other'))).toMatchObject({ tag: 'already_exists' });
    project.do(create({ uri: `${URI}/` }, 'other'));
  });
});

describe('target.patch', () => {
  it('changes what the mask names', () => {
    const project = new Administered();
    project.do(create({ uri: URI, tags: { a: 'b' }, resource: { name: 'n', type: 't' }, maxLifetime: '60s' }));
    const { shards } = project.do(
      patch({ resource: { name: 'm' }, tags: { c: 'd' } }, 'resource.name', 'tags', 'maxLifetime'),
    );
    expect(project.state.target('api')).toMatchObject({
      uid: 'uid-2-1',
      resource: { name: 'm', type: 't' },
      tags: { c: 'd' },
      maxLifetimeSeconds: 3_600,
      version: 3,
      updateTime: '2026-01-01T00:00:03.000Z',
    });
    expect(shards).toEqual(['target:100000000001/api']);
  });

  it('moves the uri, and the index of the project with it', () => {
    const project = new Administered();
    project.do(create({ uri: URI }));
    project.do(create({ uri: 'https://b.example' }, 'other'));
    expect(project.refuse(patch({ uri: 'https://b.example' }, 'uri'))).toMatchObject({ tag: 'already_exists' });
    const { shards } = project.do(patch({ uri: 'https://c.example' }, 'uri'));
    expect(shards).toEqual(['target:100000000001/api', 'project:100000000001']);
    project.do(create({ uri: URI }, 'third'));
  });

  it('replaces everything by the mask "*", which stands alone', () => {
    const project = new Administered();
    project.do(create({ uri: URI, displayName: 'Name', tags: { a: 'b' }, maxLifetime: '60s' }));
    project.do(patch({ uri: URI, resource: { type: 't' } }, '*'));
    expect(project.state.target('api')).toMatchObject({
      displayName: '',
      tags: {},
      resource: { type: 't' },
      maxLifetimeSeconds: 3_600,
    });
    expect(fieldsOf(project.refuse(patch({ displayName: 'x' }, '*')))).toEqual(['uri']);
    expect(fieldsOf(project.refuse(patch({ uri: URI }, '*', 'uri')))).toEqual(['updateMask']);
  });

  it('refuses unknown targets and paths, and wholes that would be wrong', () => {
    const project = new Administered();
    expect(project.refuse(patch({}, 'uri'))).toEqual({
      tag: 'not_found',
      resource: 'projects/100000000001/targets/api',
    });
    project.do(create({ uri: URI }));
    expect(fieldsOf(project.refuse(patch({}, 'uid')))).toEqual(['updateMask']);
    expect(fieldsOf(project.refuse(patch({}, 'uri')))).toEqual(['uri']);
  });
});

describe('target.delete', () => {
  it('takes the target and its grants away, and a new one of that name starts with none', () => {
    const project = new Administered();
    const resource = { kind: 'target', targetId: 'api' } as const;
    project.do(create({ uri: URI }));
    const bindings = [{ role: 'roles/sts.targetViewer', members: ['user:a@example.com'] }];
    project.do({ type: 'policy.set', resource, policy: { bindings } });
    const { answer, shards } = project.do({ type: 'target.delete', targetId: 'api' });
    expect(answer).toEqual({ kind: 'deleted' });
    expect(shards).toEqual(['target:100000000001/api', 'project:100000000001']);
    expect(project.refuse({ type: 'target.delete', targetId: 'api' })).toMatchObject({ tag: 'not_found' });
    project.do(create({ uri: URI }));
    expect(project.ask({ type: 'policy.get', resource })).toMatchObject({ policy: { bindings: [] } });
    expect(project.state.target('api')?.uid).toBe('uid-5-1');
  });

  it('leaves no etag behind that is good for the next target of that name, not even that of a policy never set', () => {
    const project = new Administered();
    const resource = { kind: 'target', targetId: 'api' } as const;
    const etag = (): string => {
      const answer = project.ask({ type: 'policy.get', resource });
      return answer.kind === 'policy' ? policyEtag(answer.policy) : '';
    };
    const etags: string[] = [];
    for (let round = 0; round < 3; round++) {
      project.do(create({ uri: URI }));
      etags.push(etag());
      project.do({ type: 'target.delete', targetId: 'api' });
    }
    expect(etags[0]).toBe('ACAB');
    expect(new Set(etags).size).toBe(3);
    project.do(create({ uri: URI }));
    for (const old of etags) {
      expect(project.refuse({ type: 'policy.set', resource, policy: { etag: old, bindings: [] } })).toMatchObject({
        tag: 'etag_mismatch',
      });
    }
    project.do({ type: 'policy.set', resource, policy: { etag: etag(), bindings: [] } });
  });
});

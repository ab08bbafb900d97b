/** What is no plain compact JWS, or too large for one, or names what every object has by itself (SECURITY.md §1.3, LESSONS.md §6). */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  addCluster,
  call,
  captureAudit,
  claimsOf,
  type Cluster,
  createProject,
  exchange,
  postToken,
  tokenForm,
} from '../support/broker.ts';
import { base64Url } from '../support/issuer.ts';
import { claimsFor, expectUnverified, headerFor, REFUSAL } from './hostile-support.ts';

const audit = captureAudit();
let ec: Cluster;

beforeAll(async () => {
  ec = await addCluster(await createProject());
});

describe('other things than a compact JWS', () => {
  it('JWE, JSON serialisations, a token in a token, tokens in a row', async () => {
    const token = await ec.token();
    const [head = '', body = '', signature = ''] = token.split('.');
    const jweHeader = base64Url(JSON.stringify({ alg: 'RSA-OAEP', enc: 'A256GCM', kid: ec.issuer.kid }));
    for (const other of [
      `${jweHeader}.${head}.${body}.${signature}.${signature}`,
      `${jweHeader}..${head}.${body}.${signature}`,
      JSON.stringify({ protected: head, payload: body, signature }),
      JSON.stringify({ payload: body, signatures: [{ protected: head, signature }] }),
      `${head}..${signature}`,
      `${head}.${body}`,
      `Bearer ${token}`,
      `"${token}"`,
      `${token},${token}`,
      `${token}.${token}`,
      `${token}\u0000`,
      token.replaceAll('.', '。'),
      token.replaceAll('.', '%2E'),
    ]) {
      expect([other, (await exchange(ec, undefined, other)).text]).toEqual([other, REFUSAL]);
    }
    const nested = JSON.stringify(token);
    const good = JSON.stringify(headerFor(ec));
    await expectUnverified(
      audit,
      await exchange(ec, undefined, await ec.issuer.signText(good, nested)),
      'payload_json',
    );
    await expectUnverified(audit, await exchange(ec, undefined, await ec.issuer.signText(good, token)), 'payload_json');
    const saidSo = JSON.stringify(headerFor(ec, { cty: 'JWT' }));
    await expectUnverified(
      audit,
      await exchange(ec, undefined, await ec.issuer.signText(saidSo, token)),
      'header_member',
    );
  });
});

/** The same bytes in other characters: what a lenient decoder takes for them. */
function otherSpellings(part: string): readonly string[] {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const idleBits = [0, 0, 4, 2][part.length % 4] ?? 0;
  const last = alphabet.indexOf(part.slice(-1));
  const from = (last >> idleBits) << idleBits;
  const endings = Array.from(alphabet.slice(from, from + (1 << idleBits)), (one) => part.slice(0, -1) + one);
  const middle = part.length >> 1;
  return [
    ...endings.filter((one) => one !== part),
    `${part}${'='.repeat((4 - (part.length % 4)) % 4 || 1)}`,
    ...[' ', '\n', '\t', '\r\n', '!'].map((odd) => part.slice(0, middle) + odd + part.slice(middle)),
    part.replaceAll('-', '+').replaceAll('_', '/'),
  ].filter((one) => one !== part);
}

describe('another spelling of base64url', () => {
  it('of any of the three parts is refused, also where the key has signed just that', async () => {
    // With 2 and with 4 bits that say nothing, in header and payload each.
    for (const x5t of ['', 'x', 'xx']) {
      const parts = [JSON.stringify(headerFor(ec, { x5t })), JSON.stringify(claimsFor(ec, { x5t }))].map(base64Url);
      const token = await ec.issuer.signInput(parts.join('.'));
      expect((await exchange(ec, undefined, token)).status).toBe(200);
      const [head = '', body = '', signature = ''] = token.split('.');
      const odd = await Promise.all([
        ...otherSpellings(head).map((one) => ec.issuer.signInput(`${one}.${body}`)),
        ...otherSpellings(body).map((one) => ec.issuer.signInput(`${head}.${one}`)),
        ...otherSpellings(signature).map(async (one) => `${head}.${body}.${one}`),
      ]);
      expect(odd.length).toBeGreaterThan(30);
      for (const one of odd) await expectUnverified(audit, await exchange(ec, undefined, one), 'token_format');
    }
  });
});

describe('size', () => {
  /** A token of exactly so many bytes, otherwise right. Base64url has no text of 4n + 1 characters, so the header grows as well. */
  const ofBytes = async (bytes: number): Promise<string> => {
    for (const x5t of ['', 'x', 'xx', 'xxx']) {
      const sign = (padding: number): Promise<string> =>
        ec.issuer.sign(claimsFor(ec, { padding: 'x'.repeat(padding) }), { x5t });
      const about = Math.floor(((bytes - (await sign(0)).length) * 3) / 4);
      for (let padding = about - 3; padding < about + 4; padding++) {
        const token = await sign(padding);
        if (token.length === bytes) return token;
      }
    }
    throw new Error(`no token has ${bytes} bytes`);
  };

  it('of 8 KiB and of 16 KiB exactly is taken; a byte more is refused before it is read', async () => {
    expect((await exchange(ec, undefined, await ofBytes(8_192))).status).toBe(200);
    expect((await exchange(ec, undefined, await ofBytes(16_384))).status).toBe(200);
    const answer = await exchange(ec, undefined, await ofBytes(16_385));
    expect({ status: answer.status, error: answer.body['error'] }).toEqual({ status: 400, error: 'invalid_request' });
  });

  it('dots without end', async () => {
    expect((await exchange(ec, undefined, '.'.repeat(16_384))).text).toBe(REFUSAL);
    expect((await exchange(ec, undefined, '.'.repeat(60_000))).body['error']).toBe('invalid_request');
    expect((await exchange(ec, undefined, '.'.repeat(1_048_576))).status).toBe(413);
  });

  it('100 MB in pieces, with no word of its length, are left after the first 64 KiB', async () => {
    let sentBytes = 0;
    const piece = new Uint8Array(4_096).fill(0x78);
    const body = new ReadableStream({
      pull(controller) {
        if (sentBytes >= 100_000_000) return controller.close();
        sentBytes += piece.length;
        controller.enqueue(piece);
      },
    });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await call('/v1/token', { method: 'POST', headers, body, duplex: 'half' } as RequestInit);
    expect({ status: answer.status, error: answer.body['error'] }).toEqual({ status: 413, error: 'invalid_request' });
    expect(sentBytes).toBeGreaterThan(65_536);
    expect(sentBytes).toBeLessThan(1_000_000);
  });

  it('500 parameters and 500 headers that mean nothing change nothing; one that counts, 500 times, is refused', async () => {
    const form = tokenForm(ec.audience, await ec.token());
    for (let at = 0; at < 500; at++) form.append(`p${at}`, 'x');
    const headers = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`x-header-${at}`, `value ${at}`]));
    expect((await postToken(form, headers)).status).toBe(200);
    for (let at = 0; at < 499; at++) form.append('audience', ec.audience);
    expect((await postToken(form)).body['error']).toBe('invalid_request');
  });
});

describe('members that objects have by themselves', () => {
  it('are claims like any other: nobody inherits what he does not have', async () => {
    const { sub, iss, aud, exp, iat, 'kubernetes.io': kubernetes, ...rest } = claimsFor(ec);
    const inherited = JSON.stringify({ sub, iss, aud, exp, iat, 'kubernetes.io': kubernetes });
    const good = JSON.stringify(headerFor(ec));
    for (const payload of [
      `{"__proto__":${inherited}}`,
      `{"__proto__":${inherited},"jti":${JSON.stringify(rest['jti'])}}`,
      `{"constructor":{"prototype":${inherited}}}`,
    ]) {
      await expectUnverified(audit, await exchange(ec, undefined, await ec.issuer.signText(good, payload)), 'issuer');
    }
    const extra =
      '"__proto__":{"sub":"system:serviceaccount:kube-system:admin","iss":"x"},"toString":1,"constructor":{}';
    const whole = `${JSON.stringify(claimsFor(ec)).slice(0, -1)},${extra}}`;
    const answer = await exchange(ec, undefined, await ec.issuer.signText(good, whole));
    expect(answer.status, answer.text).toBe(200);
    expect(claimsOf(answer)['sub']).toBe('ns/shop/sa/checkout');
    expect(({} as Record<string, unknown>)['sub']).toBeUndefined();
  });

  it('in the header, and in kubernetes.io', async () => {
    const polluted = `{"__proto__":${JSON.stringify(headerFor(ec))}}`;
    const answer = await exchange(ec, undefined, await ec.issuer.signText(polluted, JSON.stringify(claimsFor(ec))));
    await expectUnverified(audit, answer, 'header_member');
    const own = '{"__proto__":{"namespace":"shop","serviceaccount":{"name":"checkout","uid":"u"}}}';
    const payload = JSON.stringify(claimsFor(ec, { 'kubernetes.io': 0 })).replace(
      '"kubernetes.io":0',
      `"kubernetes.io":${own}`,
    );
    const nested = await ec.issuer.signText(JSON.stringify(headerFor(ec)), payload);
    await expectUnverified(audit, await exchange(ec, undefined, nested), 'kubernetes_claims');
  });
});

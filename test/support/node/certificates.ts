/** A private certificate authority for tests: X.509 certificates made on the spot (RFC 5280), so that no machine needs `openssl`. */
import { createSign, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';

export interface Certificate {
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
}

export interface Authority extends Certificate {
  /** For `names` (DNS) and 127.0.0.1. */
  server(names: readonly string[]): Certificate;
  /** Of a user, as a kubeconfig has it. */
  client(name: string): Certificate;
}

const DAY_MS = 86_400_000;
const OID = {
  commonName: [0x55, 0x04, 0x03],
  ecdsaWithSha256: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
  basicConstraints: [0x55, 0x1d, 0x13],
  keyUsage: [0x55, 0x1d, 0x0f],
  subjectAltName: [0x55, 0x1d, 0x11],
};

export function createAuthority(name: string): Authority {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const extensions = [
    extension(OID.basicConstraints, sequence(tlv(0x01, Buffer.from([0xff])))),
    extension(OID.keyUsage, tlv(0x03, Buffer.from([1, 0b0000_0110]))),
  ];
  const own = pem(signed(keys.privateKey, name, name, keys.publicKey, extensions));
  const issue = (subject: string, more: readonly Buffer[]): Certificate => {
    const leaf = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return {
      certificate: pem(signed(keys.privateKey, name, subject, leaf.publicKey, more)),
      key: leaf.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    };
  };
  return {
    certificate: own,
    key: keys.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    server: (names) => issue(names[0] ?? 'server', [extension(OID.subjectAltName, alternatives(names))]),
    client: (subject) => issue(subject, []),
  };
}

function signed(
  issuerKey: KeyObject,
  issuer: string,
  subject: string,
  subjectKey: KeyObject,
  extensions: readonly Buffer[],
): Buffer {
  const algorithm = sequence(tlv(0x06, Buffer.from(OID.ecdsaWithSha256)));
  const serial = tlv(0x02, Buffer.concat([Buffer.from([0x01]), randomBytes(8)]));
  const toBeSigned = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    serial,
    algorithm,
    nameOf(issuer),
    sequence(time(Date.now() - DAY_MS), time(Date.now() + DAY_MS)),
    nameOf(subject),
    subjectKey.export({ format: 'der', type: 'spki' }),
    ...(extensions.length === 0 ? [] : [tlv(0xa3, sequence(...extensions))]),
  );
  const signature = createSign('sha256').update(toBeSigned).sign(issuerKey);
  return sequence(toBeSigned, algorithm, tlv(0x03, Buffer.concat([Buffer.from([0]), signature])));
}

function nameOf(commonName: string): Buffer {
  const attribute = sequence(tlv(0x06, Buffer.from(OID.commonName)), tlv(0x0c, Buffer.from(commonName)));
  return sequence(tlv(0x31, attribute));
}

function alternatives(names: readonly string[]): Buffer {
  return sequence(...names.map((name) => tlv(0x82, Buffer.from(name))), tlv(0x87, Buffer.from([127, 0, 0, 1])));
}

function extension(oid: readonly number[], value: Buffer): Buffer {
  return sequence(tlv(0x06, Buffer.from(oid)), tlv(0x04, value));
}

/** GeneralizedTime. */
function time(ms: number): Buffer {
  const text = new Date(ms)
    .toISOString()
    .replaceAll(/[-:T]/g, '')
    .replace(/\.\d+Z$/, 'Z');
  return tlv(0x18, Buffer.from(text));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tlv(0x30, Buffer.concat(parts));
}

function tlv(tag: number, value: Buffer): Buffer {
  const { length } = value;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), value]);
  const bytes = length < 0x100 ? [length] : [length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length, ...bytes]), value]);
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

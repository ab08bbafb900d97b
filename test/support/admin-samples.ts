/** Documents for administration tests: valid as they stand, so that each test breaks exactly one thing. */
import { by } from './callers.ts';
import type { ApplyContext } from '../../src/core/admin/state.ts';
import type { Project } from '../../src/core/resources.ts';
import { thumbprintOf } from '../../src/platform/thumbprint.ts';

export const PROJECT: Project = {
  projectNumber: '100000000001',
  projectId: 'demo',
  displayName: 'Demo',
  tokenExchangesPerMinute: 6_000,
  createTime: '2026-01-01T00:00:00.000Z',
};

/** Base64url of `length` bytes that begin with `first`. */
export function bytes(length: number, first = 0x80): string {
  const binary = String.fromCharCode(first).padEnd(length, '\u0007');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** Points of the curves, made once for these tests. */
export const POINTS = {
  'P-256': { x: '0yBM-uLRYZTpSm5cD3KETxQJQWIj92T2t-Z5YzzKkc0', y: 'UOSg1Z6A7Wm5jTYO_DXoDBeUvhOTNJnJXFv8F7M2780' },
  'P-384': {
    x: 'mVfNeHgGk1ac60QtTpQxIj3AGS8ZzO_UVNSAyxRyuKIeohUmjELpH9MVuzmOevna',
    y: 'Q0Ikd6Ta3ab8t1vvrGsqMa-zeSQOPwMjmu9ovA7pHbhLDsrV-CMRtVFHVgQP8sG0',
  },
  'P-521': {
    x: 'AX82t-Pr8trHDDakdguoLXrmiURTaFrwDNksUKq0XOHyTn6cu6TVxErCk5N7SzSL9rBRRAvSZSkiEEeqElPRuWCX',
    y: 'AMWdJxIH3xycFJ2WPleNWTTgSS-L2XWWBx4sOF4o_WKawTwKNdddHhFeJFcKvglpppjiTaQYKQ6Vdg3p2Byhyfk_',
  },
} as const;

/** Base64url of a number's bytes, as short as they come or with zeros in front. */
export function spelled(number: bigint, length = 0): string {
  const hex = number.toString(16);
  const digits = hex.padStart(Math.max(length * 2, hex.length + (hex.length % 2)), '0');
  const binary = (digits.match(/../g) ?? []).map((pair) => String.fromCharCode(Number.parseInt(pair, 16))).join('');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** Of exactly so many bits, and without a small factor: what a modulus looks like to who cannot factor it. */
export function rsaModulus(bits: number): string {
  let number = (1n << BigInt(bits - 1)) + 1n;
  while (SMALL_PRIMES.some((prime) => number % prime === 0n)) number += 2n;
  return spelled(number);
}

const SMALL_PRIMES = Array.from({ length: 200 }, (_, index) => BigInt(index + 2)).filter((number) => {
  for (let divisor = 2n; divisor < number; divisor++) if (number % divisor === 0n) return false;
  return true;
});

/** A modulus of the Infineon sort (CVE-2017-15361): primes as its library made them, k · M + (65537^a mod M). */
export function infineonModulus(exponent: number): bigint {
  const prime = (multiple: bigint, power: number): bigint =>
    multiple * FIRST_PRIMES + Array.from({ length: power }).reduce<bigint>((sum) => (sum * 65_537n) % FIRST_PRIMES, 1n);
  // Multiples that are even keep the sum odd, for the product of the first primes has a two in it and 65537 has not.
  return prime((1n << 806n) + 2n, exponent) * prime((1n << 806n) + 10n, exponent + 4);
}

/** M: the product of the first 39 primes, 2 to 167. */
const FIRST_PRIMES = SMALL_PRIMES.filter((prime) => prime <= 167n).reduce((product, prime) => product * prime, 1n);

export const EC_KEY = { kty: 'EC', kid: 'ec-1', crv: 'P-256', ...POINTS['P-256'] };
export const RSA_KEY = { kty: 'RSA', kid: 'rsa-1', n: rsaModulus(2_048), e: 'AQAB' };

export function jwks(...keys: readonly unknown[]): string {
  return JSON.stringify({ keys });
}

export const CLUSTER = {
  kubernetes: {
    clusterUri: 'https://clusters.example.com/one',
    issuerUri: 'https://kubernetes.default.svc.cluster.local',
    jwksJson: jwks(RSA_KEY),
  },
};

export const OIDC = {
  oidc: { issuerUri: 'https://issuer.example.com', jwksJson: jwks(EC_KEY) },
  attributeMapping: { 'google.subject': 'assertion.sub' },
};

/** The moment of the `epoch`-th write: one second after the one before. */
export function contextAt(epoch: number, changes: Partial<ApplyContext> = {}): ApplyContext {
  let uids = 0;
  return {
    time: new Date(Date.UTC(2026, 0, 1) + epoch * 1_000).toISOString(),
    epoch,
    caller: by('tester'),
    newUid: () => `uid-${epoch}-${++uids}`,
    loopbackIssuersAllowed: false,
    ownHost: 'sts.example.com',
    thumbprintOf,
    ...changes,
  };
}

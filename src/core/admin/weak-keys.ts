/** Public keys that nobody can verify with, or that others than their owner can sign with: arithmetic over what was uploaded. */

/** y² = x³ − 3x + b modulo p (FIPS 186-4, D.1.2). Their cofactor is 1, so a point of the curve is a point of the group. */
interface Curve {
  readonly p: bigint;
  readonly b: bigint;
}

const CURVES: ReadonlyMap<string, Curve> = new Map([
  [
    'P-256',
    {
      p: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
      b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
    },
  ],
  [
    'P-384',
    {
      p: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
      b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
    },
  ],
  [
    'P-521',
    {
      p: 2n ** 521n - 1n,
      b: 0x51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00n,
    },
  ],
]);

/** A coordinate of p or more is refused with the rest: it would be a second spelling of the same key. */
export function isOnCurve(crv: string, xBytes: Uint8Array, yBytes: Uint8Array): boolean {
  const curve = CURVES.get(crv);
  if (curve === undefined) return false;
  const { p, b } = curve;
  const [x, y] = [integer(xBytes), integer(yBytes)];
  if (x >= p || y >= p) return false;
  return (y * y - x * x * x + 3n * x - b) % p === 0n;
}

const SMALL_PRIMES = [
  2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
  113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/** Why a modulus is no secret to anybody who looks at it, or undefined. */
export function modulusFault(bytes: Uint8Array): string | undefined {
  const modulus = integer(bytes);
  const remainders = SMALL_PRIMES.map((prime) => Number(modulus % BigInt(prime)));
  const factor = SMALL_PRIMES.find((_prime, index) => remainders[index] === 0);
  if (factor !== undefined) return `has an "n" that is divisible by ${factor}`;
  // Infineon's library made its primes as k · M + (65537^a mod M): modulo each small prime their product is a power of 65537.
  const isInfineon = SMALL_PRIMES.every((prime, index) => POWERS_OF_65537.get(prime)?.has(remainders[index] ?? 0));
  return isInfineon
    ? 'has an "n" made by a library whose keys can be factored (CVE-2017-15361): replace it'
    : undefined;
}

const POWERS_OF_65537: ReadonlyMap<number, ReadonlySet<number>> = new Map(
  SMALL_PRIMES.map((prime) => [prime, powersOf(65_537 % prime, prime)]),
);

function powersOf(base: number, prime: number): ReadonlySet<number> {
  const powers = new Set<number>();
  for (let power = 1; !powers.has(power); power = (power * base) % prime) powers.add(power);
  return powers;
}

function integer(bytes: Uint8Array): bigint {
  return BigInt(`0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`);
}

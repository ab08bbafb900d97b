/** For how long a trust policy goes on allowing: no session may outlive the condition that let it begin. */
import type { TrustPolicy } from './document.ts';
import { timeOf } from './operators.ts';
import { TIME_KEYS } from './keys.ts';

/** Whole seconds from `fromSeconds`, at most `maxSeconds`, in each of which it is allowed: time changes nothing but at the times that stand in the policy. */
export function trustRun(
  policy: TrustPolicy,
  isAllowedAt: (second: number) => boolean,
  fromSeconds: number,
  maxSeconds: number,
): number {
  const untilSeconds = fromSeconds + maxSeconds;
  const changes = policy.statements
    .flatMap(({ conditions }) => conditions)
    .filter(({ key }) => TIME_KEYS.has(key.toLowerCase()))
    .flatMap(({ values }) => values.map(secondOf))
    // An operator may turn at the second, or after it.
    .flatMap((second) => [Math.floor(second), Math.floor(second) + 1])
    .filter((second) => second > fromSeconds && second < untilSeconds);
  const first = [...new Set(changes)].toSorted((one, other) => one - other).find((second) => !isAllowedAt(second));
  return (first ?? untilSeconds) - fromSeconds;
}

/** A number, as numeric operators read it, or a time. */
function secondOf(value: string): number {
  const number = Number(value);
  return Number.isNaN(number) ? timeOf(value) / 1_000 : number;
}

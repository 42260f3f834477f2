/** A span of time in milliseconds; may have a fraction. Branded, so that a number in seconds is not taken for one. */
export type Duration = number & { readonly __unit: 'ms' };

export function milliseconds(value: number): Duration {
  return value as Duration;
}

export function seconds(value: number): Duration {
  return (value * 1000) as Duration;
}

/** `1.5 s`, `250 ms`, `0.4 ms`: at most three significant decimals, for people. */
export function formatDuration(value: number): string {
  // From here on it would round to 1000 ms.
  if (value >= 999.5) return `${trim(value / 1000)} s`;
  return `${trim(value)} ms`;
}

function trim(value: number): string {
  return String(Number(value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 3)));
}

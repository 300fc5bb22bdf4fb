const milliseconds: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const kibibytes: Readonly<Record<string, number>> = { KiB: 1, MiB: 1024, GiB: 1024 * 1024 };

/**
 * `500ms`, `5s`, `15m`, `1h`, `30d`, or a bare number of seconds, as text or as a number.
 * @returns whole milliseconds; undefined when it is no duration
 */
export const parseDurationMs = (value: string | number): number | undefined => {
  const [, amount, unit = 's'] = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h|d)?$/.exec(String(value).trim()) ?? [];
  return scale(amount, milliseconds[unit]);
};

/** `512KiB`, `19MiB`, `1GiB`. @returns whole KiB; undefined when it is no size */
export const parseSizeKiB = (value: string): number | undefined => {
  const [, amount, unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?) ?(KiB|MiB|GiB)$/.exec(value.trim()) ?? [];
  return scale(amount, kibibytes[unit]);
};

const scale = (amount: string | undefined, unit: number | undefined): number | undefined => {
  if (amount === undefined || unit === undefined) return undefined;
  const scaled = Math.round(Number(amount) * unit);
  return Number.isSafeInteger(scaled) ? scaled : undefined;
};

const units = Object.entries(milliseconds).reverse();

/** The shortest way to write it: `5m`, `1h`, `90s`. */
export const formatDuration = (ms: number): string => {
  const [unit, size] = units.find(([, candidate]) => ms !== 0 && ms % candidate === 0) ?? ['s', 1000];
  return `${ms / size}${unit}`;
};

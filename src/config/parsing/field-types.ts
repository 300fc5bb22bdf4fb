import { z } from 'zod';
import { readEmail } from '../../protocol/email-address.ts';
import { formatDuration, parseDurationMs, parseSizeKiB } from './quantities.ts';

// The kinds of value that both files have. The message of each says what to write instead.

const durationWords = 'is not a duration; write a number with a unit, such as 90s, 15m, 1h or 30d';

/** A duration in milliseconds; a bare number is seconds. */
export const durationMs = (range: { readonly min: number; readonly max: number }) =>
  z
    .union([z.string(), z.number()], { error: durationWords })
    .meta({ examples: ['90s', '15m', '1h', '30d'] })
    .transform((value, context) => {
      const ms = parseDurationMs(value);
      if (ms === undefined) return fail(context, durationWords);
      if (ms < range.min) return fail(context, `is too short; write at least ${formatDuration(range.min)}`);
      if (ms > range.max) return fail(context, `is too long; write at most ${formatDuration(range.max)}`);
      return ms;
    });

/** A duration in whole seconds. @param range in seconds */
export const durationSeconds = (range: { readonly min: number; readonly max: number }) =>
  durationMs({ min: range.min * 1000, max: range.max * 1000 }).transform((ms, context) =>
    ms % 1000 === 0 ? ms / 1000 : fail(context, 'is finer than a second; write whole seconds'),
  );

/** A date, or a moment with its time zone, in epoch milliseconds; a date is the start of that day in UTC. */
export const dateMs = () =>
  z
    .string()
    .refine(isDate, { error: 'is not a date; write one such as 2027-06-30 or 2027-06-30T12:00:00Z' })
    .transform((value) => Date.parse(value));

/** A size of memory in KiB. @param range in KiB */
export const sizeKiB = (range: { readonly min: number; readonly max: number }) =>
  z
    .string({ error: 'is not a size; write a number with a unit, such as 19MiB' })
    .meta({ examples: ['19MiB'] })
    .transform((value, context) => {
      const size = parseSizeKiB(value);
      if (size === undefined)
        return fail(context, 'is not a size; write a number with a unit, such as 19MiB');
      if (size < range.min) return fail(context, `is too small; write at least ${range.min}KiB`);
      if (size > range.max) return fail(context, `is too large; write at most ${range.max}KiB`);
      return size;
    });

export const wholeNumber = (range: { readonly min: number; readonly max: number }) =>
  z
    .int({ error: `is not right; write a whole number from ${range.min} to ${range.max}` })
    .min(range.min)
    .max(range.max);

/** A number, or `auto` for as many as fit the machine. */
export const countOrAuto = (range: { readonly min: number; readonly max: number }) =>
  z.union([z.literal('auto'), z.int().min(range.min).max(range.max)], {
    error: `is not right; write auto, or a whole number from ${range.min} to ${range.max}`,
  });

/** Scheme, host and port, nothing else. The caller decides which schemes are safe. */
export const origin = () => z.string().refine(isOrigin, { error: originWords });

export const originWords =
  'is not an origin; write scheme and host alone, in lower case, without path or slash at the end, such as https://login.example.com';

export const isOrigin = (value: string): boolean => {
  // The URL parser takes *.example.com for a host like any other.
  return (
    /^https?:\/\/(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d+)?$/.test(value) && parseUrl(value)?.origin === value
  );
};

export const parseUrl = (value: string): URL | undefined => {
  try {
    return new URL(value);
  } catch {
    return undefined;
  }
};

/** Text without control characters, which must not get into a page or a log. */
export const plainText = (longest: number) =>
  z
    .string()
    .min(1, { error: 'is empty; write some text or remove the line' })
    .max(longest)
    .refine((value) => !/\p{Cc}/u.test(value), { error: 'holds control characters; remove them' });

/** One plain e-mail address, which cannot be read as two or as a header. */
export const emailAddress = () =>
  z
    .string()
    .max(254)
    .superRefine((value, context) => {
      const read = readEmail(value);
      if (read.ok && read.email === value) return;
      const message = read.ok ? `is not in its plain spelling; write ${read.email}` : read.message;
      context.addIssue({ code: 'custom', message });
    });

const fail = (context: z.core.$RefinementCtx, message: string): never => {
  context.issues.push({ code: 'custom', message, input: context.value });
  return z.NEVER;
};

/** A calendar date that exists: JavaScript itself reads the 30th of February as a day in March. */
function isDate(value: string): boolean {
  const [, date] = /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2}))?$/.exec(value) ?? [];
  if (date === undefined || Number.isNaN(Date.parse(value))) return false;
  return new Date(`${date}T00:00:00Z`).toISOString().startsWith(date);
}

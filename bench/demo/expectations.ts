import { isDeepStrictEqual } from 'node:util';

const surprise = (what: string, expected: unknown, seen: unknown): Error =>
  new Error(`${what}: expected ${show(expected)}, saw ${show(seen)}`);

const show = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');

export const expectSame = (what: string, expected: unknown, seen: unknown): void => {
  if (!isDeepStrictEqual(expected, seen)) throw surprise(what, expected, seen);
};

/** Tokens are compared by this, as they must not be printed. */
export const expectThat = (isTrue: boolean, expected: string, seen: string): void => {
  if (!isTrue) throw new Error(`expected ${expected}, saw ${seen}`);
};

/** The value, which must be there. */
export const present = <T>(what: string, value: T | undefined | null): T => {
  if (value === undefined || value === null) throw surprise(what, 'a value', undefined);
  return value;
};

/** @param error OAuth error code that must be the answer */
export const expectRefusal = async (
  what: string,
  error: string,
  attempt: Promise<unknown>,
): Promise<void> => {
  let seen = 'success';
  try {
    await attempt;
  } catch (refusal) {
    const { error: code } = refusal as { error?: unknown }; // of openid-client, or no answer at all
    if (typeof code !== 'string') throw refusal;
    seen = code;
  }
  expectSame(what, error, seen);
};

/** For people: an error of openid-client with what the server answered. */
export const describeFailure = (failure: unknown): string => {
  if (!(failure instanceof Error)) return String(failure);
  const {
    error,
    error_description: description,
    status,
  } = failure as {
    readonly error?: unknown;
    readonly error_description?: unknown;
    readonly status?: unknown;
  }; // what openid-client may have put there
  const answer = [status, error, description].filter((part) => part !== undefined).join(' ');
  const cause = failure.cause instanceof Error ? failure.cause.message : '';
  return [failure.message, answer, cause].filter((part) => part !== '').join(' · ');
};

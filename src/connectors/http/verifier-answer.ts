import { AppError } from '../../errors.ts';
import { canonicalLogin } from '../../protocol/canonical-login.ts';
import type { PasswordVerdict, SourcePerson, SourceRefusal } from '../connector.ts';

type Verdict = PasswordVerdict<SourcePerson>;

const refusals: ReadonlySet<unknown> = new Set<SourceRefusal>([
  'unknown',
  'credentials',
  'password_change_required',
  'password_expired',
  'account_disabled',
  'account_locked',
]);

/** Statuses with one meaning for every sender. Proxies answer 403 and 404 as well, so those need an `error`. */
const refusalOf: Readonly<Record<number, SourceRefusal>> = {
  401: 'credentials',
  410: 'account_disabled',
  423: 'account_locked',
};

/** Answered when the system behind a proxy is down, or too slow. */
const ofProxies: ReadonlySet<number> = new Set([403, 404, 408]);

const nameMembers = ['username', 'preferred_username', 'login', 'user_name'];
const longestSubject = 255;

/**
 * Converts the answer of the verifier about `login`; the contract is at `createHttpConnector`.
 * @throws AppError `unavailable` for an answer outside the contract
 */
export const readVerdict = async (answer: Response, login: string): Promise<Verdict> => {
  const { status } = answer;
  const body = parseObject(await answer.text());
  if (status === 200) return { ok: true, person: toPerson(body, login) };
  if (isOurFault(answer)) throw misfit('refuses the secret of this source (WWW-Authenticate: Bearer)');
  if (status < 400 || status >= 500) throw misfit(`answered ${status}`);
  const reason = refusals.has(body?.error) ? (body?.error as SourceRefusal) : refusalOf[status]; // it is in the set
  if (reason === undefined) {
    const what = `answered ${status} without an "error" of the contract`;
    throw ofProxies.has(status) ? noVerdict(what) : misfit(what);
  }
  return { ok: false, reason };
};

/** RFC 6750 section 3: the challenge is about the bearer token, which is Drawbridge's secret. */
const isOurFault = ({ status, headers }: Response): boolean =>
  (status === 401 || status === 403) && /(?:^|,)\s*bearer\b/i.test(headers.get('www-authenticate') ?? '');

const toPerson = (body: Readonly<Record<string, unknown>> | undefined, login: string): SourcePerson => {
  if (body === undefined) throw misfit('answered 200 without a JSON object');
  const subject = readSubject(body.subject);
  if (subject === undefined) {
    throw misfit(`answered 200 without a "subject" of 1 to ${longestSubject} characters`);
  }
  const { subject: _, ...claims } = body;
  const username = canonicalLogin(login);
  const isNamed = username === undefined || nameMembers.some((name) => typeof claims[name] === 'string');
  return {
    subject,
    attributes: isNamed ? claims : { ...claims, username },
    groups: [],
    amr: ['pwd'],
  };
};

/** Many systems number their users. */
const readSubject = (subject: unknown): string | undefined => {
  const text = Number.isSafeInteger(subject) ? String(subject) : subject;
  return typeof text === 'string' && text.length <= longestSubject && /^[^\p{Cc}\p{Cs}]+$/u.test(text)
    ? text
    : undefined;
};

const parseObject = (text: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>) // JSON has no other objects
      : undefined;
  } catch {
    return undefined;
  }
};

const noVerdict = (detail: string): AppError =>
  new AppError('unavailable', 'The system that checks the password gives no verdict', {
    detail: `the verifier ${detail}`,
  });

/** The system answers, but not as the contract says: it stays so until one of the two is changed. */
const misfit = (detail: string): AppError =>
  new AppError('unavailable', 'The system that checks the password does not answer as agreed', {
    detail: `the verifier ${detail}`,
    isLasting: true,
  });

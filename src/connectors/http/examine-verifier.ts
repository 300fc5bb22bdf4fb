import type { Clock } from '../../clock.ts';
import type { HttpSource } from '../../config/source/source-definition.ts';
import { AppError } from '../../errors.ts';
import type { PasswordVerdict, SourceFinding, SourcePerson } from '../connector.ts';
import { examineHost } from '../upstream/examine-host.ts';
import type { Peer } from '../upstream/transport.ts';

type Find = (about: string, message: string) => SourceFinding;

const ok: Find = (about, message) => ({ verdict: 'ok', about, message });
const warning: Find = (about, message) => ({ verdict: 'warning', about, message });
const problem: Find = (about, message) => ({ verdict: 'problem', about, message });

export interface ExamineVerifierParts {
  readonly peer: Peer;
  readonly clock: Clock;
  /** Asks about a person who does not exist. */
  readonly askForUnknown: () => Promise<PasswordVerdict<SourcePerson>>;
}

/** Examines the host, its certificate, the secret, and the answer about a person who does not exist. Never rejects. */
export const examineVerifier = async (
  { url, secret }: Pick<HttpSource, 'url' | 'secret'>,
  { peer, clock, askForUnknown }: ExamineVerifierParts,
): Promise<readonly SourceFinding[]> => {
  // A query may contain secrets.
  const { origin, pathname } = new URL(url);
  const host = await examineHost(origin, peer, clock);
  const findings = secret === undefined ? [...host, noSecret] : host;
  // The next check would report the same fault again.
  if (findings.some(({ verdict }) => verdict === 'problem')) return findings;
  return [...findings, await examineAnswer(`${origin}${pathname}`, askForUnknown)];
};

const noSecret = warning(
  'secret',
  'The source has no secret: any client that reaches the system can try passwords there. Set secret, and let the system demand it as a bearer token.',
);

const examineAnswer = async (
  url: string,
  askForUnknown: () => Promise<PasswordVerdict<SourcePerson>>,
): Promise<SourceFinding> => {
  try {
    const verdict = await askForUnknown();
    if (verdict.ok) {
      return problem(
        'password check',
        `${url} accepts a person who does not exist, with an invented password. Remove the source from the file until that is repaired.`,
      );
    }
    if (verdict.reason === 'throttled') {
      return warning(
        'password check',
        `${url} limits attempts and refuses ours at the moment (429). Raise its limit for Drawbridge, behind which all people are.`,
      );
    }
    return verdict.reason === 'unknown' || verdict.reason === 'credentials'
      ? ok('password check', `${url} refuses a person who does not exist`)
      : warning(
          'password check',
          `${url} answers ${verdict.reason} about a person who does not exist, which only the right password may reveal. Let it answer { "error": "unknown" }.`,
        );
  } catch (error) {
    return problem('password check', `${url} gives no verdict: ${wordsFor(error)}`);
  }
};

/** The reason, and the remedy. */
const wordsFor = (error: unknown): string => {
  const code = codeOf(error);
  const detail = error instanceof AppError ? error.detail : undefined;
  const [, advice] = advices.find(([pattern]) => pattern.test(`${code ?? ''} ${detail ?? ''}`)) ?? [];
  return `${code ?? detail ?? 'an error that is not known'}. ${advice ?? 'See that it runs and can be reached from here.'}`;
};

/** The innermost code of the system or of undici. */
const codeOf = (error: unknown): string | undefined => {
  let found: string | undefined;
  for (let one = error, depth = 0; typeof one === 'object' && one !== null && depth < 5; depth += 1) {
    const { code, name, cause } = one as { code?: unknown; name?: unknown; cause?: unknown }; // any value can be thrown
    if (name === 'TimeoutError') found = 'no answer within the time limit';
    else if (typeof code === 'string' && !(one instanceof AppError)) found = code;
    one = cause;
  }
  return found;
};

const advices: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED/, 'Nothing listens there: start the system, or correct url.'],
  [/time limit|TIMEOUT/i, 'See that no firewall is between, or raise timeout.'],
  [/refuses the secret/, 'Set secret to the token that the system expects.'],
  [/answered 3\d\d/, 'Redirects are not followed: set url to where it leads.'],
  [
    /answered 40[34]/,
    'Correct url, or let the system say { "error": "unknown" } when it does not know a person.',
  ],
  [/answered 5\d\d|answered 200/, 'See the log of that system.'],
];

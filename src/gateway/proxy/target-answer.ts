import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import { isReservedCookie } from '../cookies.ts';
import { byName, endToEndHeaders, type HeaderLine } from './connection-headers.ts';

/** The head of a service's answer. */
export type ServiceAnswer = Pick<IncomingMessage, 'statusCode' | 'statusMessage' | 'headers' | 'rawHeaders'>;

/** In their original order and spelling. */
export const rawHeadersOf = (raw: Dispatcher.DispatchController['rawHeaders']): string[] =>
  Array.isArray(raw) ? raw.map((text) => (typeof text === 'string' ? text : text.toString('latin1'))) : [];

export interface AnswerFacts {
  /** URL of the target, without a slash at the end. */
  readonly targetBase: string;
  /** The URL of the service for browsers, with the prefix that the target does not know. */
  readonly publicBase: string;
  /** A `Set-Cookie` of ours beside the service's own. */
  readonly cookie?: string | undefined;
}

/**
 * The headers of a service's answer for the client: without those of the connection, and without cookies of our
 * names.
 */
export const answerHeaders = (answer: ServiceAnswer, facts: AnswerFacts): readonly HeaderLine[] => {
  const isChunked = answer.headers['transfer-encoding'] !== undefined;
  const lines = endToEndHeaders(answer).flatMap(([name, value]): readonly HeaderLine[] => {
    const small = name.toLowerCase();
    if (small === 'set-cookie' && isReservedCookie(value)) return [];
    if (small === 'content-length' && isChunked) return [];
    return [[name, small === 'location' ? publicLocation(value, facts) : value]];
  });
  const { cookie } = facts;
  return cookie === undefined || isSharedByCaches(answer) ? lines : [...lines, ['Set-Cookie', cookie]];
};

/** Characters that Node can write; a byte that is no UTF-8 has been read as a character beyond them. */
const sayableText = /^[\t\x20-\x7e\x80-\xff]+$/;

/** @throws Error when Node cannot write a value */
export const writeAnswerHead = (
  res: ServerResponse,
  answer: ServiceAnswer,
  lines: readonly HeaderLine[],
): void => {
  for (const { name, values } of byName(lines).values())
    res.setHeader(name, values.length === 1 ? (values[0] ?? '') : values);
  res.statusCode = answer.statusCode ?? 502;
  // clients ignore the reason phrase (RFC 9112 section 4), so it must not make the answer fail
  if (sayableText.test(answer.statusMessage ?? '')) res.statusMessage = answer.statusMessage ?? '';
};

/** A service that knows only its internal name redirects to it; browsers cannot reach that name. */
const publicLocation = (location: string, { targetBase, publicBase }: AnswerFacts): string => {
  if (!location.startsWith(targetBase)) return location;
  const rest = location.slice(targetBase.length);
  return rest === '' || /^[/?#]/.test(rest) ? `${publicBase}${rest}` : location;
};

/** RFC 9111 section 3: a cache that keeps such an answer would give the cookie to other clients. */
const isSharedByCaches = ({ headers }: Pick<ServiceAnswer, 'headers'>): boolean =>
  /\b(?:public|s-maxage)\b/i.test(headers['cache-control'] ?? '');

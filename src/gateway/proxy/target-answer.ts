import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import { isReservedCookie } from '../cookies.ts';
import { byName, endToEndHeaders, type HeaderLine } from './connection-headers.ts';

/** The head of a service's answer. */
export type ServiceAnswer = Pick<IncomingMessage, 'statusCode' | 'statusMessage' | 'headers' | 'rawHeaders'>;

/** In the order and spelling in which they came. */
export const rawHeadersOf = (raw: Dispatcher.DispatchController['rawHeaders']): string[] =>
  Array.isArray(raw) ? raw.map((text) => (typeof text === 'string' ? text : text.toString('latin1'))) : [];

export interface AnswerFacts {
  /** URL of the target, without a slash at the end. */
  readonly targetBase: string;
  /** How browsers know that, with the prefix that the target does not know of. */
  readonly publicBase: string;
  /** A `Set-Cookie` of ours beside the service's own. */
  readonly cookie?: string | undefined;
}

/** What the client is sent of a service's answer: its headers, but those of the connection and cookies that would be ours. */
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

/** What Node writes; a byte that is no UTF-8 has been read as a character beyond that. */
const sayableText = /^[\t\x20-\x7e\x80-\xff]+$/;

/** @throws Error when a value cannot be said */
export const writeAnswerHead = (
  res: ServerResponse,
  answer: ServiceAnswer,
  lines: readonly HeaderLine[],
): void => {
  for (const { name, values } of byName(lines).values())
    res.setHeader(name, values.length === 1 ? (values[0] ?? '') : values);
  res.statusCode = answer.statusCode ?? 502;
  // nobody reads it (RFC 9112 section 4), so the answer does not fail by it
  if (sayableText.test(answer.statusMessage ?? '')) res.statusMessage = answer.statusMessage ?? '';
};

/** A service that knows only its internal name redirects to it, and no browser can reach that. */
const publicLocation = (location: string, { targetBase, publicBase }: AnswerFacts): string => {
  if (!location.startsWith(targetBase)) return location;
  const rest = location.slice(targetBase.length);
  return rest === '' || /^[/?#]/.test(rest) ? `${publicBase}${rest}` : location;
};

/** RFC 9111 section 3: whoever keeps such an answer would give the cookie to others. */
const isSharedByCaches = ({ headers }: Pick<ServiceAnswer, 'headers'>): boolean =>
  /\b(?:public|s-maxage)\b/i.test(headers['cache-control'] ?? '');

import type { IncomingMessage, ServerResponse } from 'node:http';
import { definedOnly } from '../../defined-only.ts';
import type { Problem } from '../../web/problem.ts';
import { type Answer, isNavigation } from '../answer/answers.ts';

/** HTML for a person; it must need nothing from the service's host but what is below `/.drawbridge/`. */
export type ErrorPage = (problem: Problem, req: IncomingMessage) => string;

export interface Refusal {
  readonly answer: Answer;
  readonly requestId: string;
  /** Headers for each answer of the gateway. */
  readonly headers: Readonly<Record<string, string>>;
  readonly errorPage?: ErrorPage | undefined;
}

/** An answer of our own, in place of the service's. */
export const refuse = (
  req: IncomingMessage,
  res: ServerResponse,
  { answer, requestId, headers, errorPage }: Refusal,
): void => {
  if (res.headersSent || res.destroyed) {
    res.destroy();
    return;
  }
  const page = answer.status >= 400 && isNavigation({ method: req.method ?? '', headers: req.headers });
  const html = page && errorPage !== undefined ? errorPage(problemIn(answer), req) : undefined;
  const body = html ?? answer.body;
  res.statusCode = answer.status;
  for (const [name, value] of Object.entries({ ...answer.headers, ...headers })) res.setHeader(name, value);
  res.setHeader('X-Content-Type-Options', 'nosniff');
  res.setHeader('X-Request-Id', requestId);
  if (html !== undefined) res.setHeader('Content-Type', 'text/html; charset=utf-8');
  if (html !== undefined) res.setHeader('Content-Security-Policy', pagePolicy);
  if (html !== undefined) res.setHeader('Referrer-Policy', 'no-referrer');
  res.setHeader('Content-Length', Buffer.byteLength(body));
  res.end(req.method === 'HEAD' ? undefined : body);
};

const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'";

/** The problem in the answer, for its page. */
const problemIn = ({ status, headers, body, errorId = '' }: Answer): Problem => {
  const { error: code = 'error', error_description: description } = JSON.parse(body) as {
    // written by `problemAnswer`
    readonly error?: string;
    readonly error_description?: string;
  };
  const retryAfter = headers['Retry-After'];
  return {
    status,
    code,
    errorId,
    ...definedOnly({ description }),
    ...(retryAfter === undefined ? {} : { retryAfterSeconds: Number(retryAfter) }),
  };
};

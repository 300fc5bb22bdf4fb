import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Log } from '../log.ts';
import { logProblem } from '../web/error-boundary.ts';
import { newErrorId, type Problem, problemBody, problemHeaders } from '../web/problem.ts';
import { refusalBytes } from '../web/socket-response.ts';

export interface UnreadableParts {
  readonly log: Log;
  /** Of each answer. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

type Refusal = Omit<Problem, 'errorId'> & { readonly description: string };

export const tooLong: Refusal = {
  status: 431,
  code: 'request_header_fields_too_large',
  description: 'The address and the headers, cookies included, are longer than 16 KiB',
};

const malformed = { status: 400, code: 'invalid_request', description: 'The request is not valid HTTP' };

/** By the codes of Node's parser and server. */
const refusals: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: tooLong,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    status: 413,
    code: 'payload_too_large',
    description: 'The chunk extensions of the body are too long',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    code: 'request_timeout',
    description: 'The request did not arrive in time',
  },
};

/**
 * Answers what Node refuses before any handler sees it, or what came too late, in the form of our other refusals:
 * otherwise Node writes an empty answer and logs nothing.
 */
export interface UnreadableRequests {
  /** Writes the answer on the socket, unless one has begun, and closes it. */
  refuse(socket: Duplex, refusal: Refusal, hasAnswer?: boolean): void;
  /** The same for a request whose response is free. */
  answer(res: ServerResponse, refusal: Refusal): void;
  /** Listens to what Node would answer by itself. */
  observe(server: Server): void;
}

export const tooSlow: Refusal = {
  status: 408,
  code: 'request_timeout',
  description: 'The body of the request did not arrive in time',
};

/** RFC 9112 section 3.2. Node's own check has no answer of ours. */
export const lacksHost = ({ httpVersion, headers }: IncomingMessage): boolean =>
  httpVersion === '1.1' && headers.host === undefined;

export const withoutHost: Refusal = {
  status: 400,
  code: 'invalid_request',
  description: 'The request has no Host header',
};

export const createUnreadableRequests = ({ log, headers }: UnreadableParts): UnreadableRequests => {
  const problemFor = (refusal: Refusal): Problem => {
    const problem = { ...refusal, errorId: newErrorId() };
    logProblem(log, problem, undefined);
    return problem;
  };
  const refuse: UnreadableRequests['refuse'] = (socket, refusal, hasAnswer = false) => {
    if (socket.writable && !hasAnswer) socket.write(refusalBytes(problemFor(refusal), headers));
    socket.destroy();
  };
  const answer: UnreadableRequests['answer'] = (res, refusal) => {
    const problem = problemFor(refusal);
    const all = [...headers, ...Object.entries(problemHeaders(problem))];
    for (const [name, value] of all) res.setHeader(name, value);
    res.writeHead(problem.status, { 'Content-Type': 'application/json; charset=utf-8', Connection: 'close' });
    res.end(JSON.stringify(problemBody(problem)));
  };
  return {
    refuse,
    answer,
    observe: (server) => {
      server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
        const { code = '' } = error;
        // Node's own name for the answer in progress on this socket
        const { _httpMessage: current } = socket as Duplex & { readonly _httpMessage?: ServerResponse };
        if (code === 'ECONNRESET') socket.destroy();
        else refuse(socket, refusals[code] ?? malformed, current?.headersSent);
      });
      server.on('checkExpectation', (_req: IncomingMessage, res: ServerResponse) =>
        answer(res, {
          status: 417,
          code: 'expectation_failed',
          description: 'Only Expect: 100-continue is supported',
        }),
      );
      server.on('connect', (_req, socket) =>
        refuse(socket, { status: 501, code: 'not_implemented', description: 'This server is no proxy' }),
      );
    },
  };
};

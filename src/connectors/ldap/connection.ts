// One connection to one server: connected, upgraded and bound once, and never reconnected unnoticed. ldapts
// reconnects by itself, and anonymously. Here it gets a stream that it can open only once, so a lost connection cannot
// be used again.
import type { Socket } from 'node:net';
import { type Change, Client, DN, type Filter, ResultCodeError } from 'ldapts';
import type { LdapSource } from '../../config/source/source-definition.ts';
import { AppError } from '../../errors.ts';
import type { Deadline } from './deadline.ts';
import { entryOf, type LdapEntry } from './entry.ts';
import { openSocket, parseEndpoint, tlsOptions, upgradeSocket } from './ldap-socket.ts';
import { MessageStream } from './message-stream.ts';
import { PasswordPolicyControl, type PolicyError } from './policy-control.ts';
import { bindRefusals, lastingRefusals, resultCode, serverTroubles } from './result-codes.ts';
import { failed, misconfigured, unreachable } from './unreachable.ts';

export type ConnectionSettings = Pick<
  LdapSource,
  'startTls' | 'tls' | 'connectTimeoutMs' | 'operationTimeoutMs'
>;

/** The directory's answer to a request that it may refuse; any other failure is thrown. */
export type LdapAnswer =
  | { readonly ok: true; readonly policy: PolicyError | undefined }
  | {
      readonly ok: false;
      readonly code: number;
      /** The directory's own words; may name entries. */
      readonly diagnostic: string;
      readonly policy: PolicyError | undefined;
    };

export interface SearchQuery {
  readonly base: string;
  readonly scope: 'sub' | 'one' | 'base';
  readonly filter: Filter;
  readonly attributes: readonly string[];
  /** Attributes that are not text. */
  readonly binary?: readonly string[];
  /** The result is cut at this number; absent: all entries, in pages, or an error. */
  readonly sizeLimit?: number;
}

/** Each operation throws AppError `unavailable` and has a time limit; a later answer is dropped. */
export interface LdapConnection {
  /** False once the connection is lost, or an operation took too long. */
  readonly isUsable: boolean;
  /** True when it was closed because it was too slow, not lost. */
  readonly hasTimedOut: boolean;
  readonly url: string;
  bind(name: string, password: string, deadline: Deadline): Promise<LdapAnswer>;
  search(query: SearchQuery, deadline: Deadline): Promise<readonly LdapEntry[]>;
  modify(dn: string, changes: readonly Change[], deadline: Deadline): Promise<LdapAnswer>;
  extended(oid: string, value: Buffer, deadline: Deadline): Promise<LdapAnswer>;
  /** The socket, for an examination of its certificate. */
  readonly socket: Socket;
  close(): void;
}

const pageSize = 500;
const startTlsOid = '1.3.6.1.4.1.1466.20037';

/** An object, because ldapts would take a plain text such as EXTERNAL for a SASL mechanism. */
class BindName extends DN {
  private readonly text: string;

  constructor(text: string) {
    super();
    this.text = text;
  }

  override toString(): string {
    return this.text;
  }
}

/** @throws AppError `unavailable` */
export const openConnection = async (url: string, settings: ConnectionSettings): Promise<LdapConnection> => {
  const endpoint = parseEndpoint(url);
  const { connectTimeoutMs, tls } = settings;
  try {
    const socket = await openSocket(endpoint, tls, connectTimeoutMs);
    if (!settings.startTls || endpoint.isTls) return createConnection(url, socket, settings);
    const freed = await requestStartTls(url, socket, settings);
    return createConnection(
      url,
      await upgradeSocket(freed, tlsOptions(endpoint, tls), connectTimeoutMs),
      settings,
    );
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw failed(`${url} cannot be connected to`, cause);
  }
};

/** Uses a client of its own, so that no bytes read without TLS reach the client that uses TLS. */
const requestStartTls = async (
  url: string,
  socket: Socket,
  settings: ConnectionSettings,
): Promise<Socket> => {
  const stream = new MessageStream(socket);
  const client = clientOn(stream);
  const timer = setTimeout(() => stream.destroy(), settings.connectTimeoutMs);
  try {
    await client.exop(startTlsOid);
  } catch (cause) {
    stream.destroy();
    throw cause instanceof ResultCodeError
      ? refused(url, 'StartTLS', answerOf(cause))
      : unreachable(`${url} does not start TLS`, cause);
  } finally {
    clearTimeout(timer);
  }
  if (!stream.detach()) {
    stream.destroy();
    throw unreachable(`${url} sent something between its consent to StartTLS and the handshake`);
  }
  return socket;
};

const clientOn = (stream: MessageStream): Client => {
  let isTaken = false;
  return new Client({
    // the stream is connected in any case
    url: 'ldap://directory.invalid',
    createConnection: () => {
      if (isTaken) throw new Error('the connection is lost');
      isTaken = true;
      return stream as unknown as Socket; // ldapts uses of a socket what a Duplex has, and three members that it has too
    },
  });
};

const createConnection = (url: string, socket: Socket, settings: ConnectionSettings): LdapConnection => {
  const stream = new MessageStream(socket);
  const client = clientOn(stream);
  let hasTimedOut = false;
  // the socket may fail before ldapts listens
  stream.on('error', () => {});

  /** @throws ResultCodeError that the connection outlives; AppError for all others */
  const run = async <T>(what: string, operation: () => Promise<T>): Promise<T> => {
    if (stream.destroyed) throw unreachable(`the connection to ${url} is lost`, stream.errored ?? undefined);
    stream.beginAnswer();
    const limitMs = settings.operationTimeoutMs;
    const timer = setTimeout(() => {
      hasTimedOut = true;
      stream.destroy(new Error(`no answer within ${limitMs} ms`));
    }, limitMs);
    try {
      return await operation();
    } catch (error) {
      if (error instanceof ResultCodeError && !serverTroubles.has(error.code)) throw error;
      const cause = stream.errored ?? error;
      stream.destroy();
      throw failed(`${what} at ${url} failed`, cause);
    } finally {
      clearTimeout(timer);
    }
  };

  const ask = async (
    what: string,
    operation: (control: PasswordPolicyControl) => Promise<unknown>,
  ): Promise<LdapAnswer> => {
    const control = new PasswordPolicyControl();
    try {
      await run(what, () => operation(control));
      return { ok: true, policy: control.error };
    } catch (error) {
      if (!(error instanceof ResultCodeError)) throw error;
      return { ok: false, code: error.code, diagnostic: diagnosticOf(error), policy: control.error };
    }
  };

  return {
    url,
    socket,
    get isUsable() {
      return !stream.destroyed;
    },
    get hasTimedOut() {
      return hasTimedOut;
    },
    bind: async (name, password, deadline) => {
      deadline.check();
      const answer = await ask('a bind', (control) => client.bind(new BindName(name), password, control));
      if (answer.ok || bindRefusals.has(answer.code)) return answer;
      stream.destroy();
      throw refused(url, 'a bind', answer);
    },
    search: async (query, deadline) => {
      deadline.check();
      const { base, scope, filter, attributes, sizeLimit, binary = [] } = query;
      try {
        const { searchEntries } = await run('a search', () =>
          client.search(base, {
            scope,
            filter,
            attributes: [...attributes],
            explicitBufferAttributes: [...binary],
            timeLimit: Math.ceil(settings.operationTimeoutMs / 1000),
            ...(sizeLimit === undefined ? { paged: { pageSize } } : { sizeLimit }),
          }),
        );
        return searchEntries.map(entryOf);
      } catch (error) {
        if (!(error instanceof ResultCodeError)) throw error;
        throw refused(url, `a search below "${base}"`, answerOf(error));
      }
    },
    modify: async (dn, changes, deadline) => {
      deadline.check();
      return ask('a change', (control) => client.modify(new BindName(dn), [...changes], control));
    },
    extended: async (oid, value, deadline) => {
      deadline.check();
      return ask('an extended operation', (control) => client.exop(oid, value, control));
    },
    close: () => {
      stream.destroy();
    },
  };
};

/** The diagnostic text without the part that ldapts adds. */
const diagnosticOf = (error: ResultCodeError): string => error.message.replace(/ ?Code: 0x[0-9a-f]+$/, '');

const answerOf = (error: ResultCodeError) => ({ code: error.code, diagnostic: diagnosticOf(error) });

/** Active Directory answers `operationsError` to a search without an account. */
const needsBind = /\b000004DC\b/;

const refused = (
  url: string,
  what: string,
  { code, diagnostic }: { readonly code: number; readonly diagnostic: string },
): AppError => {
  const answered = `${url} answered ${what} with code ${code}`;
  const lasting = lastingRefusals.get(
    needsBind.test(diagnostic) ? resultCode.inappropriateAuthentication : code,
  );
  if (lasting === undefined) return unreachable(`${answered}: ${diagnostic}`);
  const { name, advice, isLimit = false } = lasting;
  return misconfigured({
    // people see a limit after their password only; other reasons everybody may see, and they name no host
    reason: isLimit ? `${name} at ${parseEndpoint(url).host}` : name,
    detail: `${answered} (${name}): ${advice}${diagnostic === '' ? '' : `. It says: ${diagnostic}`}`,
  });
};

// What is known of the HTTP request in progress, for its audit records and the id of its error answer. Nothing is decided by it:
// what a decision needs is passed.
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';

/** Where a request came in: a page, the JSON API of an account, an endpoint of the protocol, a service behind the gateway. */
export type RequestChannel = 'page' | 'api' | 'protocol' | 'gateway';

export interface CurrentRequest {
  readonly channel?: RequestChannel;
  readonly address?: string;
  readonly requestId?: string;
  readonly userAgent?: string;
  /** Of the Session: the hash that lists show, which proves nothing. */
  readonly session?: string;
  /** Of the access token. */
  readonly clientId?: string;
  /** Sub of the caller, where that is a system user. */
  readonly systemUser?: string;
  /** The actor of its records, where that is somebody with an administrative role. */
  readonly operator?: string;
  /** Of the answer. */
  readonly errorId?: string;
}

const requests = new AsyncLocalStorage<CurrentRequest>();

export const runRequest = <T>(begun: CurrentRequest, work: () => T): T => requests.run({ ...begun }, work);

/** Undefined outside of a request. */
export const currentRequest = (): CurrentRequest | undefined => requests.getStore();

/** The id of the error answer to the request in progress, which a record of it may name before; outside of a request a new one. */
export const errorIdOfRequest = (): string => {
  const errorId = currentRequest()?.errorId ?? randomBytes(8).toString('hex');
  noteOfRequest({ errorId });
  return errorId;
};

/** For the rest of the request in progress; without one nothing happens. */
export const noteOfRequest = (facts: CurrentRequest): void => {
  const request = requests.getStore();
  if (request !== undefined) Object.assign(request, facts);
};

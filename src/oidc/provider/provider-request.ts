import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import { type KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { TenantStorage } from '../../storage/storage.ts';
import type { Look, StartAgain } from '../../web/pages.ts';
import { type RequestScope, StoreRequestScope } from '../adapter/request-scope.ts';

/** The facts about a request that the server finds out before the provider gets it. */
export interface ProviderRequest {
  /** Address of the caller, as the trusted proxies state it. */
  readonly address: string;
  readonly requestId: string;
  /** Language of the page to answer with. */
  readonly locale: Look['locale'];
  /**
   * The same page in the other languages, where a GET can show it.
   * @param url path and query of the page; default: those of the request, if it is a GET
   */
  readonly languageUrls?: (url?: string) => Look['languageUrls'];
  /** Called when the request begins a sign-in on our pages. */
  readonly noteBegun?: (begun: BegunSignIn) => void;
  /** Where the sign-in with this uid starts again, if that is known. */
  readonly startAgain?: (uid: string) => StartAgain | undefined;
}

export interface BegunSignIn {
  /** Of the interaction. */
  readonly uid: string;
  readonly clientId: string;
  /** The next URL of a sign-in that no app asked for; it is unchecked. */
  readonly target?: string;
}

/** The state of one request to the provider. The library calls us back without it, so it is looked up here. */
export interface ProviderRequests {
  /** To be called before the request is passed to the provider, which makes a context of its own for it. */
  setFacts(req: IncomingMessage, facts: ProviderRequest): void;
  factsOf(ctx: KoaContextWithOIDC): ProviderRequest;
  /** The scope of this request from now on; its writes are flushed at the end of the request. */
  beginScope(ctx: object): RequestScope;
  /** The scope of the request in progress; outside of one a fresh one, which is flushed after each write. */
  scope(): RequestScope;
  /**
   * Work with the library's models outside of its requests, as if it were one: what it writes is stored at the end, in
   * one trip.
   */
  inOwnScope<T>(work: () => Promise<T>): Promise<T>;
  /** Is there a request, or such work, at whose end the writes are stored? */
  isStaging(): boolean;
  /** The library's context of the request in progress. */
  current(): KoaContextWithOIDC | undefined;
}

export const createProviderRequests = (storage: TenantStorage): ProviderRequests => {
  const facts = new WeakMap<IncomingMessage, ProviderRequest>();
  const scopes = new WeakMap<object, RequestScope>();
  const ownScope = new AsyncLocalStorage<RequestScope>();
  const current = (): KoaContextWithOIDC | undefined => Provider.ctx;

  return {
    current,
    setFacts: (req, known) => void facts.set(req, known),
    factsOf: ({ req }) => {
      const known = facts.get(req);
      if (known === undefined) throw new Error('a request reached the provider without its facts');
      return known;
    },
    beginScope: (ctx) => {
      const scope = new StoreRequestScope(storage);
      scopes.set(ctx, scope);
      return scope;
    },
    inOwnScope: async (work) => {
      const scope = new StoreRequestScope(storage);
      const result = await ownScope.run(scope, work);
      await scope.flush();
      return result;
    },
    isStaging: () => current() !== undefined || ownScope.getStore() !== undefined,
    scope: () => {
      const ctx = current();
      const scope = ctx === undefined ? ownScope.getStore() : scopes.get(ctx);
      return scope ?? new StoreRequestScope(storage);
    },
  };
};

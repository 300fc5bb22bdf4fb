import type { IncomingMessage } from 'node:http';

/** What the front door learnt of a request, for the rooms behind it. */
export interface ProviderRequest {
  /** Address of the caller, as the trusted proxies tell it. */
  readonly address: string;
  readonly requestId: string;
  /** Language of the page to answer with. */
  readonly locale: 'en' | 'de';
}

/** The provider makes a context of its own, so facts travel with the Node request. */
export interface ProviderRequests {
  set(req: IncomingMessage, facts: ProviderRequest): void;
  get(req: IncomingMessage): ProviderRequest;
}

export const createProviderRequests = (): ProviderRequests => {
  const facts = new WeakMap<IncomingMessage, ProviderRequest>();
  return {
    set: (req, value) => void facts.set(req, value),
    get: (req) => {
      const found = facts.get(req);
      if (found === undefined)
        throw new Error('a request reached the provider without passing the front door');
      return found;
    },
  };
};

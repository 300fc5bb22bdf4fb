// The server's caches about upstream identity providers: connections, discovery documents, keys, verdicts on tokens.
import { LRUCache } from 'lru-cache';
import {
  allowInsecureRequests,
  ClientError,
  customFetch,
  discovery,
  None,
  type ServerMetadata,
} from 'openid-client';
import type { Clock } from '../../clock.ts';
import type { OutgoingProxy } from '../../config/server/outgoing-proxy.ts';
import { AppError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { createKeySets, type KeySets } from './key-sets.ts';
import { createRefreshing, type Refreshing } from './refreshing.ts';
import { openTransport, type Peer, type Transport, tlsKey } from './transport.ts';
import { createVerdictCache, type VerdictCache } from './verdict-cache.ts';

export interface Upstreams extends Pick<Transport, 'send' | 'mayUseProxy'> {
  /**
   * The discovery document of an issuer; the issuer in the document must be exactly the same.
   * @throws AppError `unavailable`
   */
  discover(issuer: string, peer: Peer): Promise<ServerMetadata>;
  readonly keys: KeySets;
  /** The verdicts on upstream access tokens; to be emptied after any revocation. */
  readonly verdicts: VerdictCache;
  close(): Promise<void>;
}

export interface UpstreamsParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly outgoingProxy?: OutgoingProxy | undefined;
}

const freshMs = 3_600_000;
/** While the discovery document of an upstream cannot be fetched, the last one is used for a day. */
const staleMs = 86_400_000;
const mostDocuments = 1000;
const mostVerdicts = 10_000;

/** There is one for the server, so that tenants own no socket and no timer. */
export const openUpstreams = ({ clock, log, outgoingProxy }: UpstreamsParts): Upstreams => {
  const transport = openTransport(outgoingProxy);
  const documents = new LRUCache<string, Refreshing<ServerMetadata>>({
    max: mostDocuments,
    memoMethod: () => createRefreshing(clock, { freshMs, staleMs }),
  });

  return {
    send: transport.send,
    mayUseProxy: transport.mayUseProxy,
    discover: async (issuer, peer) => {
      const load = async (): Promise<ServerMetadata> => {
        try {
          return await loadDocument(transport, issuer, peer);
        } catch (error) {
          log.warn({ issuer, err: error }, 'the discovery document of an upstream cannot be had');
          throw error;
        }
      };
      const { value } = await documents.memo(`${tlsKey(peer.tls)} ${issuer}`).get(load);
      return value;
    },
    keys: createKeySets(transport, clock),
    verdicts: createVerdictCache({ clock, limit: mostVerdicts }),
    close: transport.close,
  };
};

/** OpenID Connect Discovery 1.0 section 4.1. Entra's document for all of its tenants is the one of `common`. */
export const discoveryUrl = (issuer: string): string =>
  `${issuer.replace('{tenantid}', 'common').replace(/\/$/, '')}/.well-known/openid-configuration`;

const loadDocument = async (transport: Transport, issuer: string, peer: Peer): Promise<ServerMetadata> => {
  const url = discoveryUrl(issuer);
  const metadata = await discovery(new URL(url), 'discovery', undefined, None(), {
    [customFetch]: (place) => transport.send(peer, { url: place }),
    ...(url.startsWith('http:') ? { execute: [allowInsecureRequests] } : {}),
  }).then(
    (configuration) => configuration.serverMetadata(),
    (error: unknown) => {
      if (!(error instanceof ClientError)) throw error;
      if (error.cause instanceof AppError) throw error.cause;
      throw new AppError('unavailable', 'The identity provider gives no discovery document', {
        cause: error,
        detail: `${url}: correct "issuer" in the tenant's file, or set the endpoints there`,
        isLasting: true,
      });
    },
  );
  // Section 4.3: without this check, any document would be accepted for any issuer.
  if (metadata.issuer !== issuer)
    throw new AppError('unavailable', 'The identity provider goes by another name', {
      detail: `${url} names the issuer ${metadata.issuer}, the tenant's file says ${issuer}`,
      isLasting: true,
    });
  return metadata;
};

// The records in the store about upstreams. This file: sign-ins in progress.
//   upstream-sessions.ts    which of our sessions came from which session at an upstream, and how its logout ends them
//   upstream-sign-out.ts    our sign-out continues at the upstream and returns
//   upstream-endings.ts     sessions that were ended from elsewhere: what they left at their upstreams
//   upstream-tokens.ts      the upstream's tokens of a person, renewed for apps and to look the person up again;
//                           kept-tokens.ts: their records
import type { ChargeStart } from '../../accounts/start-budget.ts';
import { type Clock, epochSeconds } from '../../clock.ts';
import type {
  Connector,
  RedirectSource,
  UpstreamMemory,
  UpstreamOutcome,
  UpstreamRequest,
} from '../../connectors/connector.ts';
import { hashId, isEqualConstantTime, randomId } from '../../crypto/ids.ts';
import { openSealed, seal } from '../../crypto/sealed-box.ts';
import { AppError } from '../../errors.ts';
import type { Artifact, TenantStorage } from '../../storage/storage.ts';

/** A source that signs people in by redirects. */
export type RedirectConnector = Connector & { readonly redirect: RedirectSource };

/** The purpose of the sign-in at the upstream. */
export type UpstreamPurpose =
  | {
      readonly kind: 'sign-in';
      /** The interaction that waits. */
      readonly uid: string;
      readonly clientId: string;
      /** Seconds; what the app demanded. */
      readonly maxAge?: number;
    }
  /** Adds the identity to the account of the person who was signed in when it began. */
  | { readonly kind: 'link'; readonly sub: string };

/**
 * Sign-ins at upstreams that are in progress, and the tickets by which they return to the interaction. Each is used
 * once and kept sealed. All methods throw AppError `unavailable` when the store does not answer.
 */
export interface UpstreamLogins {
  /**
   * @throws AppError `unavailable` also when the upstream cannot be reached; `throttled` when strangers began too many
   * sign-ins from this address
   */
  begin(login: {
    readonly connector: RedirectConnector;
    /** Address of a browser in which nobody is signed in. */
    readonly stranger?: string;
    readonly purpose: UpstreamPurpose;
    readonly request: Omit<UpstreamRequest, 'redirectUri' | 'state'>;
  }): Promise<BegunLogin>;
  /**
   * Undefined unless this browser began the sign-in, at this source, not too long ago, and it has not returned before
   * (RFC 9700 sections 4.4 and 4.7). The upstream is asked only then.
   */
  finish(answer: {
    readonly connector: RedirectConnector;
    /** With its `?`. */
    readonly search: string;
    readonly state: string;
    /** Value of the cookie. */
    readonly browser: string | undefined;
  }): Promise<FinishedLogin | undefined>;
  /** A ticket for the interaction `uid`, valid for one use within some minutes. */
  issueTicket(uid: string, content: unknown): Promise<string>;
  /** The value of `issueTicket`; undefined when the ticket is not for this interaction, used, or too old. */
  redeemTicket(uid: string, ticket: string): Promise<unknown>;
  /** Seals a value that a form carries through the browser, which can neither read nor change it. */
  sealForForm(uid: string, content: unknown): string;
  /** Undefined when it was made for another form. */
  openFromForm(uid: string, sealed: string): unknown;
}

export interface BegunLogin {
  /** The next URL of the browser. */
  readonly url: string;
  readonly state: string;
  /** A secret of this browser, in a cookie. */
  readonly browser: string;
}

export interface FinishedLogin {
  readonly purpose: UpstreamPurpose;
  /** Throws AppError `unavailable` when the upstream cannot be reached. */
  readonly ask: () => Promise<UpstreamOutcome>;
}

export interface UpstreamLoginsParts {
  readonly tenant: string;
  readonly issuer: string;
  readonly artifacts: TenantStorage['artifacts'];
  readonly chargeStart: ChargeStart;
  /** 32 bytes, for this purpose alone. */
  readonly sealingKey: Buffer;
  readonly clock: Clock;
}

/** Seconds in which a person must return. */
export const upstreamLoginTtl = 15 * 60;
const ticketTtl = 5 * 60;

/** One for each source: an answer of one provider is refused at the URI of another (RFC 9700 section 4.4.2.2). */
export const callbackUrl = (issuer: string, source: string): string =>
  `${issuer}/upstream/${source}/callback`;

interface StoredLogin {
  readonly source: string;
  /** Hash of the cookie. */
  readonly browser: string;
  readonly purpose: UpstreamPurpose;
  readonly memory: UpstreamMemory;
}

export const createUpstreamLogins = (parts: UpstreamLoginsParts): UpstreamLogins => {
  const { artifacts, clock, sealingKey } = parts;
  const purposeOf = (...names: readonly string[]): string => JSON.stringify([parts.tenant, ...names]);
  const sealJson = (content: unknown, purpose: string): string =>
    seal(sealingKey, Buffer.from(JSON.stringify(content)), purpose);
  const openJson = (sealed: string, purpose: string): unknown =>
    JSON.parse(openSealed(sealingKey, sealed, purpose).toString('utf8'));

  const keep = async (
    kind: 'UpstreamLogin' | 'UpstreamTicket',
    id: string,
    kept: { readonly content: unknown; readonly ttl: number },
  ): Promise<void> => {
    const artifact: Artifact = {
      kind,
      id,
      payload: sealJson(kept.content, purposeOf(kind, id)),
      expiresAt: epochSeconds(clock) + kept.ttl,
    };
    await artifacts.write([{ op: 'put', artifact }]);
  };
  const find = async (kind: 'UpstreamLogin' | 'UpstreamTicket', id: string): Promise<unknown> => {
    const [found] = (await artifacts.load([{ kind, id }])).artifacts;
    return found === undefined ? undefined : openJson(found.payload, purposeOf(kind, id));
  };
  const chargeStranger = async (address: string): Promise<void> => {
    const { isAllowed, retryAfterSeconds } = await parts.chargeStart(address);
    if (!isAllowed) throw new AppError('throttled', 'Too many attempts', { retryAfterSeconds });
  };
  const isFirstUse = async (kind: 'UpstreamLogin' | 'UpstreamTicket', id: string): Promise<boolean> =>
    (await artifacts.consume(kind, id, clock.now()))?.won === true;

  return {
    begin: async ({ connector, stranger, purpose, request }) => {
      if (stranger !== undefined) await chargeStranger(stranger);
      const [state, browser] = [randomId(), randomId()];
      const source = connector.definition.id;
      const redirectUri = callbackUrl(parts.issuer, source);
      const { url, memory } = await connector.redirect.begin({ ...request, redirectUri, state });
      const content: StoredLogin = { source, browser: hashId(browser), purpose, memory };
      await keep('UpstreamLogin', hashId(state), { content, ttl: upstreamLoginTtl });
      return { url, state, browser };
    },
    finish: async ({ connector, search, state, browser }) => {
      const id = hashId(state);
      const login = (await find('UpstreamLogin', id)) as StoredLogin | undefined; // written by `begin`
      if (login === undefined || browser === undefined) return undefined;
      // another browser with the URL must not consume it either
      if (login.source !== connector.definition.id || !isEqualConstantTime(hashId(browser), login.browser))
        return undefined;
      if (!(await isFirstUse('UpstreamLogin', id))) return undefined;
      const answer = new URL(callbackUrl(parts.issuer, login.source) + search);
      return { purpose: login.purpose, ask: () => connector.redirect.finish(answer, login.memory) };
    },
    issueTicket: async (uid, content) => {
      const ticket = randomId();
      await keep('UpstreamTicket', hashId(`${uid} ${ticket}`), { content, ttl: ticketTtl });
      return ticket;
    },
    redeemTicket: async (uid, ticket) => {
      const id = hashId(`${uid} ${ticket}`);
      const content = await find('UpstreamTicket', id);
      return content !== undefined && (await isFirstUse('UpstreamTicket', id)) ? content : undefined;
    },
    sealForForm: (uid, content) => sealJson(content, purposeOf('form', uid)),
    openFromForm: (uid, sealed) => {
      try {
        return openJson(sealed, purposeOf('form', uid));
      } catch {
        return undefined;
      }
    },
  };
};

/** A short name for a sign-in in progress, from which its `state` cannot be guessed. */
export const upstreamLoginKey = (state: string): string => hashId(state).slice(0, 12);

import type { Accounts } from '../../accounts/account-types.ts';
import { isAdmittedByClient } from '../../accounts/client-admission.ts';
import { findLiveSession } from '../../accounts/live-session.ts';
import type { Revocations } from '../../accounts/revocations.ts';
import type { SessionOrigin } from '../../accounts/session-origin.ts';
import type { GatewaySessionFacts } from '../../accounts/sign-ins/session-pages.ts';
import { findActiveAccount } from '../../accounts/standing.ts';
import { type Clock, epochSeconds } from '../../clock.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { hashId, hmac, isEqualConstantTime, randomId } from '../../crypto/ids.ts';
import { openSealed, seal } from '../../crypto/sealed-box.ts';
import { definedOnly } from '../../defined-only.ts';
import { readProvenBy } from '../../oidc/provider/proven-by.ts';
import type { AccountRecord, Artifact, Loaded, TenantStorage } from '../../storage/storage.ts';

/** The session of a person at the gateway in one browser, on one host or below the domain of the cookie. */
export interface GatewaySession {
  readonly account: AccountRecord;
  /** Id of the GatewaySession artifact. */
  readonly id: string;
  /** Id of the provider's Session that it ends with; absent for one that a name and password began. */
  readonly sessionId?: string;
  /** Epoch seconds. */
  readonly signedInAt: number;
  readonly amr: readonly string[];
  readonly acr?: string;
  /** Epoch seconds: the idle end now, never past the absolute one. */
  readonly expiresAt: number;
}

export interface NewGatewaySession {
  readonly sub: string;
  /** Hosts on which its cookie is valid: one host, or `.example.com` for a cookie domain. */
  readonly host: string;
  /** Id of the Session artifact, where there is one. */
  readonly sessionId?: string;
  readonly signedInAt: number;
  readonly amr: readonly string[];
  readonly acr?: string;
  /** Ids of the sources that proved the sign-in, where there is no Session artifact that has them. */
  readonly provenBy?: readonly string[];
  /** Where there is no Session artifact that has it. */
  readonly origin?: SessionOrigin;
  /**
   * The credential that began the session; kept as a hash with the value of the cookie, of no use without the cookie.
   */
  readonly password?: NameAndPassword;
}

export interface NameAndPassword {
  readonly login: string;
  readonly password: string;
}

/** The content of a ticket from the tenant's issuer to the service's host. */
export interface GatewayTicket extends Omit<NewGatewaySession, 'password'> {
  /** Absolute URL of the person's first request. */
  readonly target: string;
  /** Hash of a secret of the browser that began this. */
  readonly browser: string;
}

/**
 * Sessions of services behind the gateway, and the tickets that transfer a sign-in to the host of a service. All
 * methods throw AppError `unavailable` when the store does not answer.
 */
export interface GatewaySessions {
  /** @returns the value of the cookie: opaque, unguessable, without the tenant's name */
  begin(session: NewGatewaySession): Promise<string>;
  /**
   * The session, if it is alive: not idle too long, not too old, with a live provider session and account, begun after
   * the account's `notBefore`, for this host, and of a source that is for services. Stores its use, at most once in a tenth of the idle time.
   * @param beganWith finds only a session that this credential began
   */
  find(value: string, host: string, beganWith?: NameAndPassword): Promise<GatewaySession | undefined>;
  /** Ends this session only. An absent session is no error. */
  end(value: string): Promise<void>;
  /** The ticket is valid for one use within a minute. */
  issueTicket(ticket: GatewayTicket): Promise<string>;
  /** Exactly one of many callers gets the ticket. Undefined when used, too old, or of another browser or host. */
  redeemTicket(
    value: string,
    asked: {
      readonly host: string;
      /** Hash, as in the ticket. */
      readonly browser: string;
    },
  ): Promise<GatewayTicket | undefined>;
}

export interface GatewaySessionsParts {
  readonly tenant: string;
  readonly artifacts: TenantStorage['artifacts'];
  readonly definition: Pick<TenantDefinition, 'demo' | 'sources'>;
  readonly recheck: Accounts['recheck'];
  readonly revocations: Pick<Revocations, 'publish'>;
  /** Seconds. */
  readonly life: { readonly idle: number; readonly absolute: number };
  /** 32 bytes, for tickets alone. */
  readonly sealingKey: Buffer;
  readonly clock: Clock;
}

/** Seconds. */
const ticketTtl = 60;

/** The payload, beside the links. */
interface StoredSession
  extends Pick<NewGatewaySession, 'host' | 'signedInAt' | 'amr' | 'acr' | 'provenBy' | 'origin'> {
  /** Epoch seconds. */
  readonly begunAt: number;
  readonly proof?: string;
}

const proofOf = (value: string, { login, password }: NameAndPassword): string => hmac(value, login, password);

/** Valid on its one host, or on a domain and below it. Ports distinguish hosts, but a cookie domain has no port. */
const isGoodOn = (own: string, asked: string): boolean => {
  if (!own.startsWith('.')) return own === asked;
  const name = asked.replace(/:\d+$/, '');
  return name === own.slice(1) || name.endsWith(own);
};

export const createGatewaySessions = (parts: GatewaySessionsParts): GatewaySessions => {
  const { artifacts, clock, life, sealingKey } = parts;
  const purposeOf = (id: string): string => JSON.stringify([parts.tenant, 'GatewayTicket', id]);

  /** The idle end as of now, never past the absolute one. */
  const endOf = ({ begunAt }: StoredSession): number =>
    Math.min(epochSeconds(clock) + life.idle, begunAt + life.absolute);

  /** A session in use is written once in a tenth of its idle time, and a last time when it reaches its absolute end. */
  const noteUse = async (artifact: Artifact, stored: StoredSession): Promise<number> => {
    const end = endOf(stored);
    const gained = end - artifact.expiresAt;
    const isLast = end === stored.begunAt + life.absolute;
    if (gained <= 0 || (gained < life.idle / 10 && !isLast)) return Math.min(artifact.expiresAt, end);
    await artifacts.write([{ op: 'put', artifact: { ...artifact, expiresAt: end }, onlyIfStored: true }]);
    return end;
  };

  return {
    begin: async ({ sub, sessionId, host, signedInAt, amr, acr, provenBy, origin, password }) => {
      const value = randomId();
      const stored: StoredSession = {
        host,
        signedInAt,
        amr,
        begunAt: epochSeconds(clock),
        ...definedOnly({ acr, provenBy, origin }),
        ...(password === undefined ? {} : { proof: proofOf(value, password) }),
      };
      const artifact: Artifact = {
        kind: 'GatewaySession',
        id: hashId(value),
        payload: JSON.stringify(stored),
        expiresAt: endOf(stored),
        accountId: sub,
        signedInAt,
        ...definedOnly({ sessionUid: sessionId }),
      };
      await artifacts.write([{ op: 'insert', artifact }]);
      return value;
    },
    find: async (value, host, beganWith) => {
      const loaded = await artifacts.load([{ kind: 'GatewaySession', id: hashId(value) }]);
      const [artifact] = loaded.artifacts;
      if (artifact === undefined) return undefined;
      const stored = JSON.parse(artifact.payload) as StoredSession; // written by `begin`
      if (!isGoodOn(stored.host, host) || endOf(stored) <= epochSeconds(clock)) return undefined;
      const session = findProviderSession(artifact, loaded);
      if (artifact.sessionUid !== undefined && session === undefined) return undefined;
      if (beganWith !== undefined && !isEqualConstantTime(stored.proof ?? '', proofOf(value, beganWith)))
        return undefined;
      const account = await findActiveAccount(
        parts,
        loaded.linkedAccounts.find(({ sub }) => sub === artifact.accountId),
        { signedInAt: stored.signedInAt },
      );
      if (account === undefined) return undefined;
      // asked at each use: the file may have limited the source since
      const provenBy = session === undefined ? stored.provenBy : readProvenBy(JSON.parse(session.payload));
      if (!isAdmittedByClient(parts.definition.sources, undefined, { account, provenBy })) return undefined;
      return {
        account,
        id: artifact.id,
        ...definedOnly({ sessionId: artifact.sessionUid }),
        signedInAt: stored.signedInAt,
        amr: stored.amr,
        ...definedOnly({ acr: stored.acr }),
        expiresAt: await noteUse(artifact, stored),
      };
    },
    end: async (value) => {
      const id = hashId(value);
      const { artifacts: found } = await artifacts.load([{ kind: 'GatewaySession', id }]);
      if (found.length === 0) return;
      await artifacts.write([{ op: 'remove', kind: 'GatewaySession', id }]);
      await parts.revocations.publish({ what: 'session', id, reason: 'signed_out' });
    },
    issueTicket: async (ticket) => {
      const value = randomId();
      const id = hashId(value);
      const artifact: Artifact = {
        kind: 'GatewayTicket',
        id,
        payload: seal(sealingKey, Buffer.from(JSON.stringify(ticket)), purposeOf(id)),
        expiresAt: epochSeconds(clock) + ticketTtl,
      };
      await artifacts.write([{ op: 'insert', artifact }]);
      return value;
    },
    redeemTicket: async (value, { host, browser }) => {
      const id = hashId(value);
      const [artifact] = (await artifacts.load([{ kind: 'GatewayTicket', id }])).artifacts;
      if (artifact === undefined) return undefined;
      const opened = openSealed(sealingKey, artifact.payload, purposeOf(id));
      const ticket = JSON.parse(opened.toString('utf8')) as GatewayTicket; // written by `issueTicket`
      // another browser with the URL must not consume it either
      if (!isGoodOn(ticket.host, host) || !isEqualConstantTime(ticket.browser, browser)) return undefined;
      return (await artifacts.consume('GatewayTicket', id, clock.now()))?.won === true ? ticket : undefined;
    },
  };
};

/** For people: what a stored gateway session says of where it is valid, and where it was begun. */
export const gatewaySessionFacts = ({ payload }: Artifact): GatewaySessionFacts => {
  const { host, amr, origin } = JSON.parse(payload) as StoredSession; // written by `begin`
  return { service: host.startsWith('.') ? `*${host}` : host, amr, ...definedOnly({ origin }) };
};

/** A session that a name and password began has none. */
const findProviderSession = (
  { sessionUid, accountId }: Artifact,
  { linkedArtifacts }: Loaded,
): Artifact | undefined =>
  sessionUid === undefined
    ? undefined
    : findLiveSession(linkedArtifacts, { sessionId: sessionUid, sub: accountId });

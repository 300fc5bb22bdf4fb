import { type Clock, epochSeconds } from '../clock.ts';
import { hashParts, hmac, isEqualConstantTime, randomId } from '../crypto/ids.ts';
import { newMailedCode, withoutSeparators } from '../crypto/mailed-code.ts';
import { openSealed, seal } from '../crypto/sealed-box.ts';
import { definedOnly } from '../defined-only.ts';
import type { Artifact, Artifacts, ArtifactWrite } from '../storage/storage.ts';
import type { Throttle } from './throttle.ts';

/** What a code or link is for; it is good for nothing else. */
export type VerificationPurpose =
  | 'password-reset'
  | 'registration'
  | 'email-change'
  | 'email-undo'
  | 'factor-recovery'
  | 'api-key';

/** What was proven: somebody has received a mail at this address, for this account if there is one. */
export interface Verified {
  readonly address: string;
  readonly sub?: string;
  /** What the mail was written for, for the caller. */
  readonly about?: Readonly<Record<string, string>>;
}

export interface FoundVerification extends Verified {
  /** By `endEarlier`: it proves nothing any more. Absent: it was not. */
  readonly isEnded?: true;
}

export interface NewVerification extends Verified {
  readonly purpose: VerificationPurpose;
  /**
   * The secret of a cookie that the browser which asked has (`newBrowser`). With it the mail has a code too, which works in
   * that browser alone.
   */
  readonly browser?: string;
  /** Default: `linkSeconds`. */
  readonly seconds?: number;
}

/** For the mail and nothing else. */
export interface VerificationSecrets {
  /** 256 bits. */
  readonly link: string;
  readonly code?: string;
}

export interface Verifications {
  /** One trip. Link and code are two keys to the same lock: the use of one ends both. */
  create(verification: NewVerification): Promise<VerificationSecrets>;
  /** What the link would prove, without using it: for the page with the button. */
  find(purpose: VerificationPurpose, link: string): Promise<FoundVerification | undefined>;
  /** What the link has proven, until it would have ended unused: it proves nothing any more. */
  findUsed(purpose: VerificationPurpose, link: string): Promise<Verified | undefined>;
  /** One of all callers gets it, once. */
  consumeLink(purpose: VerificationPurpose, link: string): Promise<Verified | undefined>;
  /**
   * The same by the code. Each call is counted before the code is compared. One for a browser that has no code takes as long,
   * and has no counter of its own.
   */
  consumeCode(purpose: VerificationPurpose, typed: TypedCode): Promise<Verified | undefined>;
  /**
   * The links and codes that were made for this address until now are good for nothing, also when the account that came of one
   * is gone. Only for purposes that are in `endedByAddress`.
   * @param seconds the longest life of such a link
   */
  endEarlier(purpose: VerificationPurpose, of: { address: string; seconds: number }): Promise<void>;
}

export interface TypedCode {
  readonly browser: string;
  readonly code: string;
}

export interface VerificationsParts {
  readonly tenant: string;
  readonly artifacts: Pick<Artifacts, 'load' | 'write' | 'consume'>;
  readonly throttle: Pick<Throttle, 'spend'>;
  /** For this purpose alone. */
  readonly sealingKey: Buffer;
  /** The same; codes have too few bits to be hashed without a key. */
  readonly codeKey: Buffer;
  readonly clock: Clock;
}

export const linkSeconds = 30 * 60;
export const codeSeconds = 10 * 60;
/** Wrong codes for one mail: with as many mails as their limits allow, a guess stays hopeless. */
const tries = { points: 5, windowSeconds: codeSeconds } as const;

/**
 * The counter of browsers without a code refuses nobody: it costs a trip, or the time would tell whether a mail was written.
 * There are 64 of them, however many browsers somebody makes up.
 */
const sharedBy = (place: string): string => `none/${place.slice(0, 1)}`;

/** The secret of the cookie of a browser that asks for a code. */
export const newBrowser = (): string => randomId(32);

/** Their links are looked up with one trip more. */
const endedByAddress: ReadonlySet<VerificationPurpose> = new Set<VerificationPurpose>(['registration']);

const kind = 'Verification';

export const createVerifications = (parts: VerificationsParts): Verifications => {
  const { tenant, artifacts, throttle, sealingKey, codeKey, clock } = parts;

  /** Hashes name the purpose, so a link or code of another is one that does not exist. */
  const idOfLink = (purpose: VerificationPurpose, link: string): string => hashParts('link', purpose, link);
  const idOfBrowser = (purpose: VerificationPurpose, browser: string): string =>
    hashParts('browser', purpose, browser);
  /** With a key: there are few addresses, and the mark stays when the account is deleted. */
  const idOfMark = (purpose: VerificationPurpose, address: string): string =>
    hmac(codeKey, tenant, 'ended', purpose, address);
  const sealedFor = (id: string): string => `verification ${tenant} ${id}`;
  const open = <Content>({ id, payload }: Artifact): Content =>
    JSON.parse(openSealed(sealingKey, payload, sealedFor(id)).toString()) as Content; // sealed in `put`
  const put = (artifact: Omit<Artifact, 'kind' | 'payload'>, content: object): ArtifactWrite => ({
    op: 'put',
    artifact: {
      ...artifact,
      kind,
      payload: seal(sealingKey, Buffer.from(JSON.stringify(content)), sealedFor(artifact.id)),
    },
  });
  const loadAny = async (id: string): Promise<Artifact | undefined> => {
    const { artifacts: found } = await artifacts.load([{ kind, id }]);
    return found.find((artifact) => artifact.id === id);
  };
  const load = async (id: string): Promise<Artifact | undefined> => {
    const found = await loadAny(id);
    return found?.consumedAt === undefined ? found : undefined;
  };
  const find = async (purpose: VerificationPurpose, id: string): Promise<FoundVerification | undefined> => {
    const found = await load(id);
    if (found === undefined) return undefined;
    const { madeAt = 0, ...verified } = open<LinkContent>(found);
    if (!endedByAddress.has(purpose)) return verified;
    const mark = await load(idOfMark(purpose, verified.address));
    const isEnded = mark !== undefined && madeAt <= open<MarkContent>(mark).endedAt;
    return isEnded ? { ...verified, isEnded } : verified;
  };
  const consume = async (purpose: VerificationPurpose, id: string): Promise<Verified | undefined> => {
    const found = await find(purpose, id);
    if (found === undefined || found.isEnded) return undefined;
    const won = await artifacts.consume(kind, id, clock.now());
    return won?.won === true ? found : undefined;
  };

  return {
    create: async ({ purpose, browser, seconds = linkSeconds, sub, address, about }) => {
      const link = randomId(32);
      const id = idOfLink(purpose, link);
      const nowSeconds = epochSeconds(clock);
      const owner = definedOnly({ accountId: sub });
      const content: LinkContent = { address, ...definedOnly({ sub, about }), madeAt: clock.now() };
      const lock = put({ id, expiresAt: nowSeconds + seconds, ...owner }, content);
      if (browser === undefined) {
        await artifacts.write([lock]);
        return { link };
      }
      const code = newMailedCode();
      const mac = hmac(codeKey, tenant, purpose, browser, code);
      const place = { id: idOfBrowser(purpose, browser), expiresAt: nowSeconds + codeSeconds };
      await artifacts.write([lock, put({ ...place, ...owner }, { id, mac } satisfies CodeContent)]);
      return { link, code };
    },

    find: (purpose, link) => find(purpose, idOfLink(purpose, link)),

    findUsed: async (purpose, link) => {
      const found = await loadAny(idOfLink(purpose, link));
      return found?.consumedAt === undefined ? undefined : open<LinkContent>(found);
    },

    consumeLink: (purpose, link) => consume(purpose, idOfLink(purpose, link)),

    consumeCode: async (purpose, { browser, code }) => {
      const place = idOfBrowser(purpose, browser);
      const found = await load(place);
      const sent = found === undefined ? undefined : open<CodeContent>(found);
      // by the mail: another one for the same browser brings new tries
      const { isAllowed } = await throttle.spend(`verification/${sent?.id ?? sharedBy(place)}`, tries);
      if (sent === undefined || !isAllowed) return undefined;
      const { id, mac } = sent;
      const digits = withoutSeparators(code);
      if (!isEqualConstantTime(mac, hmac(codeKey, tenant, purpose, browser, digits))) return undefined;
      return consume(purpose, id);
    },

    endEarlier: async (purpose, { address, seconds }) => {
      const place = { id: idOfMark(purpose, address), expiresAt: epochSeconds(clock) + seconds };
      await artifacts.write([put(place, { endedAt: clock.now() } satisfies MarkContent)]);
    },
  };
};

interface LinkContent extends Verified {
  /** Epoch milliseconds. */
  readonly madeAt?: number;
}

interface MarkContent {
  /** Epoch milliseconds. */
  readonly endedAt: number;
}

interface CodeContent {
  /** Of the artifact that is consumed. */
  readonly id: string;
  readonly mac: string;
}

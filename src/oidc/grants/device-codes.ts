import { type AdapterPayload, errors } from 'oidc-provider';
import { addressBucket } from '../../accounts/address-bucket.ts';
import { createThrottle } from '../../accounts/throttle.ts';
import type { Clock } from '../../clock.ts';
import type { Allowance, TenantThrottle } from '../../config/tenant/tenant-definition.ts';
import { hashId, hmac, isEqualConstantTime } from '../../crypto/ids.ts';
import type { Artifact, TenantStorage } from '../../storage/storage.ts';
import { TooManyRequests } from '../provider/errors.ts';

/** Seconds between two polls of a device (RFC 8628 section 3.2). */
export const pollIntervalSeconds = 5;

/** The rules of the device flow that the provider does not enforce. */
export interface DeviceCodes {
  /** Is the request in progress a device asking for its token? */
  isPoll(): boolean;
  /**
   * Reads the code and notes the poll (RFC 8628 section 3.5).
   * @throws errors.SlowDown when it is still undecided and was asked too soon
   */
  poll(hashedId: string): Promise<Artifact | undefined>;
  /** @throws TooManyRequests before any look-up, when too many user codes were tried */
  throttleEntry(): Promise<void>;
  /** @throws TooManyRequests when too many codes were asked for from one address */
  throttleStart(): Promise<void>;
  /** The stored id of a device code, or of a handle made by `handleOf`. */
  hashOf(codeOrHandle: string): string;
  /**
   * Replaces a device code while a person decides. The token endpoint refuses it, so neither a page nor a stored
   * interaction contains the secret of the device.
   */
  handleOf(hashedId: string): string;
  /** A code is kept for twice its life, so that a late device gets `expired_token`, not `invalid_grant`. */
  keptBeyondExpiry(artifact: Artifact, payload: AdapterPayload): Artifact;
}

/** The parts of the current request that the throttle uses. */
export interface DeviceRequest {
  readonly route: string | undefined;
  readonly address: string;
  /** Hash of the session cookie, or undefined when there is none. */
  readonly session: string | undefined;
  /** Of the person who is signed in. */
  readonly sub: string | undefined;
}

export interface DeviceCodesParts {
  readonly tenant: string;
  readonly storage: TenantStorage;
  readonly handleKey: Buffer;
  readonly clock: Clock;
  readonly throttle: TenantThrottle;
  readonly request: () => DeviceRequest;
}

const handlePrefix = 'handle.';

export const createDeviceCodes = (parts: DeviceCodesParts): DeviceCodes => {
  const { storage, clock, throttle } = parts;
  const tag = (hashedId: string): string => hmac(parts.handleKey, 'device code', parts.tenant, hashedId);
  const attempts = createThrottle(storage.counters, clock);
  const isPoll = (): boolean => parts.request().route === 'token';

  const hashOf = (codeOrHandle: string): string => {
    if (!codeOrHandle.startsWith(handlePrefix) || isPoll()) return hashId(codeOrHandle);
    const [, hashedId = '', given = ''] = codeOrHandle.split('.');
    return isEqualConstantTime(given, tag(hashedId)) ? hashedId : hashId(codeOrHandle);
  };

  const spend = async (key: string, allowance: Allowance): Promise<void> => {
    const { isAllowed, retryAfterSeconds } = await attempts.spend(key, allowance);
    if (!isAllowed) throw new TooManyRequests(retryAfterSeconds);
  };

  return {
    isPoll,
    hashOf,
    handleOf: (hashedId) => `${handlePrefix}${hashedId}.${tag(hashedId)}`,
    poll: async (hashedId) => {
      const outcome = await storage.artifacts.poll(hashedId, clock.now(), pollIntervalSeconds);
      if (outcome?.tooSoon === true && outcome.artifact.phase !== 'decided') throw new errors.SlowDown();
      return outcome?.artifact;
    },
    throttleEntry: async () => {
      const { address, session, sub } = parts.request();
      await spend(`user-code/address/${addressBucket(address)}`, throttle.userCodeAddress);
      if (session !== undefined) await spend(`user-code/session/${session}`, throttle.userCodeSession);
      // strangers who guess must not keep out people who are signed in: each of these has a limit of their own
      await (sub === undefined
        ? spend('user-code/tenant', throttle.userCodeTenant)
        : spend(`user-code/account/${sub}`, throttle.userCodeSession));
    },
    throttleStart: () =>
      spend(`device-code/address/${addressBucket(parts.request().address)}`, throttle.userCodeAddress),
    keptBeyondExpiry: (artifact, payload) => ({
      ...artifact,
      expiresAt: artifact.expiresAt + Math.max(0, artifact.expiresAt - (payload.iat ?? artifact.expiresAt)),
    }),
  };
};

// `AUTH_ENABLED=false`: every request is allowed, as that of an anonymous user; every answer and the log report it.
import type { Log } from '../log.ts';
import type { Decide } from './decision/decide.ts';
import { forwardPath, type Services } from './decision/services.ts';
import type { Caller } from './gateway-types.ts';

/** Repeats a task without keeping the process alive; the returned function stops it. */
export type Repeat = (act: () => void, everyMs: number) => () => void;

export const repeat: Repeat = (act, everyMs) => {
  const timer = setInterval(act, everyMs);
  timer.unref();
  return () => clearInterval(timer);
};

/** It has no tenant, so no token is signed for it. */
const anonymous: Caller = {
  tenant: '',
  issuer: '',
  sub: '',
  kind: 'person',
  method: 'none',
  username: 'anonymous',
  emailVerified: false,
  groups: [],
  roles: [],
  amr: [],
  revocationIds: [],
};

/** Replaces the decision core: no credential is read and no rule is checked. */
export const createDecideWithoutAuthentication =
  ({ place }: Pick<Services, 'place'>): Decide =>
  async ({ host, path, search }) => {
    const placed = place(host, path);
    if (placed === undefined) return { outcome: 'forbidden', reason: 'no_service' };
    const { service } = placed;
    if (service === undefined) return { outcome: 'invalid', description: placed.description };
    return {
      outcome: 'allowed',
      service,
      caller: anonymous,
      forwardPath: forwardPath(service, placed.asSent, search),
    };
  };

/** On each answer of the gateway, and on each request that it passes on. */
export const authenticationOffHeaders = (isEnabled: boolean): Readonly<Record<string, string>> =>
  isEnabled ? {} : { 'X-Drawbridge-Authentication': 'disabled' };

export const authenticationOffWarning =
  'authentication is off (AUTH_ENABLED=false): everybody reaches every service as the user "anonymous"';

/** Logs the warning now and every minute, so that every part of the log contains it. */
export const announceAuthenticationOff = (parts: {
  readonly log: Log;
  readonly repeat: Repeat;
}): (() => void) => {
  const say = (): void => parts.log.warn(authenticationOffWarning);
  say();
  return parts.repeat(say, 60_000);
};
